//! Settings in a real etcd (`reliability.md` E1 to E4).

mod access;
mod changes;
mod faults;
mod follower;
mod server;
