//! Files that a process may have open.

/// Every device holds a socket. Where there are more devices than the shell allows files, what the system allows
/// is enough; if it cannot be raised, connecting says so.
#[cfg(unix)]
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub fn raise_file_limit() {}
