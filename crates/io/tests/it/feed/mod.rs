//! The feed driver against the tape venue, over real sockets.

mod bad_frames;
mod connecting;
mod control;
mod faults;
mod second_venue;
mod stage;
pub(crate) mod tls;
mod volume;
