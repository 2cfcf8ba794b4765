//! One function per endpoint of `docs/http.md`.

pub(super) mod live;
pub(super) mod market;
pub(super) mod own;
pub(super) mod settings;
