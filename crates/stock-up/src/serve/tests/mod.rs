//! The server over real sockets on ephemeral ports, on a hub and sources of the test.

mod api;
mod harness;
mod limits;
mod live;
mod openapi;
mod security;
mod tls;
