//! RabbitMQ's queues and streams, on a real broker.

mod conformance;
mod either;
mod faults;
mod node;
mod opening;
mod place;
mod proxy;
mod rewind;
mod routing;
mod streams;
mod tls;
