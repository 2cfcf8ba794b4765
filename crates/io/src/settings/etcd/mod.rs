//! Settings in etcd, under the keys of the seed system and new ones beside them.
//!
//! | key | value | absent |
//! |---|---|---|
//! | `stock-query/log-level` | `error` … `trace`, and the seed's `WARNING` | `info` |
//! | `stock-query/subscriptions` | `SPY, IBM`, or nothing | the venue's default |
//! | `stock-analyzer/log-level` | as above | `info` |
//! | `stock-analyzer/windows` | `60s,5m` | `60s` |
//! | `stock-analyzer/grid` | `1s` | `1s` |
//! | `stock-analyzer/lateness` | `1s` | `1s` |
//! | `stock-analyzer/revise` | `60s`, or nothing | the longest window |
//! | `stock-analyzer/conditions` | `all` or `sip` | `all` |
//!
//! Name and password with simple and JWT tokens, TLS and certificates of our own. etcd may be cut
//! off, frozen, compacted, restarted or emptied: what is in force stays, and [`EtcdSettings`] finds
//! back by itself.
//!
//! Try it: `etcd & CONFIG_HOST=127.0.0.1 stock-up run`, then
//! `etcdctl put stock-query/subscriptions SPY,IBM`.

mod book;
mod error;
mod key;
mod last_good;
mod options;
mod session;
mod source;

pub use book::LogKeys;
pub use error::EtcdError;
pub use key::Key;
pub use options::EtcdOptions;
pub use source::EtcdSettings;
