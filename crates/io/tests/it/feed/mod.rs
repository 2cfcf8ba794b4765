//! The feed driver against the tape venue, over real sockets.

mod bad_frames;
mod connecting;
mod control;
mod faults;
mod second_venue;
mod stage;
mod tls;
mod volume;
