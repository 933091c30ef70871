use crate::call::record;
use crate::json::Value;
use crate::library::library;
use crate::messages::view;
use crate::pump::{Answer, Owned};
use crate::records::all;
use crate::sys::{self, Handle, Symbols};
use crate::{Error, Result};

/// A statement that stores messages in a PostgreSQL transaction of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// One message: queue, payload (a JSON document), delay_ms, dedup_key.
    Enqueue = sys::SQL_ENQUEUE as isize,
    /// Several, all or none: queue, payloads (a JSON array of the documents), delay_ms,
    /// dedup_keys (a JSON array of a text or null for each).
    EnqueueBatch = sys::SQL_ENQUEUE_BATCH as isize,
}

/// The text of a [`Statement`], which answers ids of messages, one a row, in input order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sql {
    /// With placeholders `$1`, `$2` and so on.
    pub text: String,
    /// What they stand for, in their order.
    pub parameters: Vec<SqlParameter>,
    /// The PostgreSQL type of the column.
    pub returns: String,
}

/// One placeholder of a [`Statement`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqlParameter {
    /// What it is.
    pub name: String,
    /// The PostgreSQL type.
    pub kind: String,
    /// Null is "not given".
    pub nullable: bool,
}

/// The text of a statement for the schema the tables are in; empty: `public`. What it
/// stores exists, and waiting consumers wake up, exactly when the transaction commits.
/// No store is open, and no database asked: ask once.
pub fn sql(statement: Statement, schema: &str) -> Result<Sql> {
    text(library()?, 0, schema, statement)
}

pub(crate) fn text(lib: &'static Symbols, store: Handle, schema: &str, statement: Statement) -> Result<Sql> {
    let (mut handle, mut error) = (0, 0);
    // SAFETY: the schema and the outputs live until the call returns; the text is in the
    // document as well.
    let status = unsafe {
        (lib.sql_text)(
            store,
            &view(schema),
            statement as i32,
            std::ptr::null_mut(),
            &mut handle,
            &mut error,
        )
    };
    if status < 0 {
        let failure = Owned { lib, handle: error };
        return Err(Error::read(lib, status, failure.handle));
    }
    record(Sql::read)(Answer {
        value: None,
        owned: Owned { lib, handle },
    })
}

impl Sql {
    fn read(value: &Value) -> Option<Sql> {
        Some(Sql {
            text: value.text("sql")?.into(),
            parameters: all(value.get("parameters")?, SqlParameter::read)?,
            returns: value.text("returns")?.into(),
        })
    }
}

impl SqlParameter {
    fn read(value: &Value) -> Option<SqlParameter> {
        Some(SqlParameter {
            name: value.text("name")?.into(),
            kind: value.text("type")?.into(),
            nullable: matches!(value.get("nullable")?, Value::Bool(true)),
        })
    }
}
