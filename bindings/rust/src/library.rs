//! Finding and opening the shared library: once, at the first call that needs it.

use std::env;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::messages::millis;
use crate::sys::{self, Code, Symbols};
use crate::{Error, Result};

const VARIABLE: &str = "PGQRS_LIBRARY";
const SONAME: &str = "libpgqrs.so.1";
const RTLD_NOW: c_int = 2; // and, being 0 on Linux, RTLD_LOCAL: nothing else binds to its symbols
const AT_EXIT: Duration = Duration::from_millis(500);

extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
    fn atexit(f: extern "C" fn()) -> c_int;
}

/// The library of this process. It is never unloaded: Go cannot be.
static LOADED: OnceLock<Result<(Symbols, PathBuf)>> = OnceLock::new();

/// The functions of the library. Fails with a list of what was tried.
pub(crate) fn library() -> Result<&'static Symbols> {
    match LOADED.get_or_init(load) {
        Ok((symbols, _)) => Ok(symbols),
        Err(error) => Err(error.clone()),
    }
}

/// The version of the library and the path it was loaded from.
pub fn version() -> Result<(String, PathBuf)> {
    let lib = library()?;
    // SAFETY: a static text.
    let version = unsafe { CStr::from_ptr((lib.version)()) }
        .to_string_lossy()
        .into_owned();
    Ok((
        version,
        LOADED
            .get()
            .and_then(|l| l.as_ref().ok())
            .map(|(_, path)| path.clone())
            .unwrap_or_default(),
    ))
}

/// Ends the library for good: calls that wait end, what is under way is flushed, leases
/// of stores that were not closed are given back. `Timeout`: something still runs, and
/// the process may exit all the same. Without it the end of the process does the same,
/// for half a second.
pub fn shutdown(timeout: Duration) -> Result<()> {
    let Some(Ok((lib, _))) = LOADED.get() else {
        return Ok(());
    };
    // SAFETY: no pointers.
    match unsafe { (lib.shutdown_wait)(millis(timeout)) } {
        sys::OK => Ok(()),
        status => Err(Error::read(lib, status, 0)),
    }
}

extern "C" fn at_exit() {
    let _ = shutdown(AT_EXIT);
}

/// A library that the environment names is the only one: another than the one asked
/// for would hide a mistake.
fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|v| !v.is_empty()) {
        return vec![named.into()];
    }
    let beside = env::current_exe().ok().map(|program| program.with_file_name(SONAME));
    beside.into_iter().chain([SONAME.into()]).collect()
}

fn load() -> Result<(Symbols, PathBuf)> {
    let mut tried = String::new();
    for path in candidates() {
        match open(&path) {
            Ok(symbols) => {
                // SAFETY: a function that stays. A full list of them is no reason to fail.
                unsafe { atexit(at_exit) };
                return Ok((symbols, path));
            }
            Err(problem) => tried += &format!("\n  {}: {problem}", path.display()),
        }
    }
    let what =
        "the pgqrs library cannot be loaded; build it with `make lib`, install it with `make install`, or name it in";
    Err(Error::own(
        Code::Config,
        VARIABLE,
        format!("{what} {VARIABLE}. Tried:{tried}"),
    ))
}

/// Opens one library, and checks that it speaks this crate's ABI before anything else
/// of it is used.
fn open(path: &Path) -> std::result::Result<Symbols, String> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| "a path without NUL is needed".to_string())?;
    // SAFETY: a path; what runs when it is loaded is trusted, as what is linked is.
    let handle = unsafe { dlopen(name.as_ptr(), RTLD_NOW) };
    if handle.is_null() {
        return Err(problem());
    }
    // SAFETY: a library that is open, and a name.
    let find = |name: &CStr| match unsafe { dlsym(handle, name.as_ptr()) } {
        missing if missing.is_null() => Err(problem()),
        found => Ok(found),
    };
    let version = find(c"pgqrs_abi_version").map_err(|_| "not a pgqrs library".to_string())?;
    // SAFETY: this function is the same in every ABI.
    let version = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> i32>(version)() };
    if version != sys::ABI_VERSION {
        return Err(format!(
            "it implements ABI {version}, this crate speaks ABI {}",
            sys::ABI_VERSION
        ));
    }
    // SAFETY: the ABI is the one the types were made for.
    let symbols = unsafe { Symbols::find(find) }?;
    // SAFETY: no pointers.
    match unsafe { (symbols.runtime_wait)() } {
        sys::OK => Ok(symbols),
        status => Err(format!("its runtime did not start (status {status})")),
    }
}

/// What the loader says of its last failure.
fn problem() -> String {
    // SAFETY: a text that lives until this thread's next call of the loader, or null.
    match unsafe { dlerror() } {
        text if text.is_null() => "the loader gives no reason".into(),
        text => unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned(),
    }
}
