use std::fmt;
use std::time::Duration;

use crate::messages::text;
use crate::sys::{self, Code, Handle, Symbols};

/// What went wrong.
#[derive(Clone, Debug)]
pub struct Error {
    code: Code,
    message: String,
    operation: String,
    field: String,
    sqlstate: String,
    retry_after: Duration,
    flags: u32,
}

impl Error {
    /// The status of `pgqrs.h`.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The call that failed, for example `"enqueue"`; may be empty.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The argument, option or entity at fault, or empty.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// PostgreSQL's five characters, or empty.
    pub fn sqlstate(&self) -> &str {
        &self.sqlstate
    }

    /// How long a caller should wait who is rate limited, or whose step is not ready.
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// The same call may succeed later.
    pub fn transient(&self) -> bool {
        self.flags & sys::ERROR_TRANSIENT != 0
    }

    /// A repetition stores nothing twice.
    pub fn safe_to_retry(&self) -> bool {
        self.flags & sys::ERROR_SAFE_TO_RETRY != 0
    }

    /// An error of this crate's own: nothing was stored.
    pub(crate) fn own(code: Code, field: &str, message: impl Into<String>) -> Error {
        Error {
            field: field.into(),
            flags: sys::ERROR_SAFE_TO_RETRY,
            ..Error::plain(code, message.into())
        }
    }

    fn plain(code: Code, message: String) -> Error {
        Error {
            code,
            message,
            operation: String::new(),
            field: String::new(),
            sqlstate: String::new(),
            retry_after: Duration::ZERO,
            flags: 0,
        }
    }

    /// Reads an error of the library, which stays the caller's to close; 0 is one
    /// without details.
    pub(crate) fn read(lib: &Symbols, status: i32, handle: Handle) -> Error {
        let code = Code::of(status);
        let mut detail = sys::ErrorDetail::default();
        // SAFETY: the detail says how large it is.
        if handle == 0 || unsafe { (lib.error_info)(handle, &mut detail) } != sys::OK {
            return Error::plain(code, code.text().into());
        }
        // SAFETY: the views live as long as the error.
        let [message, operation, field] = [detail.message, detail.operation, detail.field].map(|v| unsafe { text(v) });
        let sqlstate = detail
            .sqlstate
            .iter()
            .map(|&c| c as u8)
            .take_while(|&c| c != 0)
            .map(char::from)
            .collect();
        let retry_after = Duration::from_millis(detail.retry_after_ms.max(0) as u64);
        Error {
            operation,
            field,
            sqlstate,
            retry_after,
            flags: detail.flags,
            ..Error::plain(code, message)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Code {
    /// The name in `pgqrs.h` without `PGQRS_E_`, for example `"QUEUE_NOT_FOUND"`.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// A short text for people.
    pub fn text(self) -> &'static str {
        self.words().1
    }
}
