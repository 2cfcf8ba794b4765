//! The messages of `docs/formats/queue.proto`, field for field.

use prost::{Enumeration, Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Batch {
    #[prost(uint32, tag = "1")]
    pub(super) version: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) source: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(super) partition: u32,
    #[prost(uint32, tag = "4")]
    pub(super) partitions: u32,
    #[prost(uint64, tag = "5")]
    pub(super) first_seq: u64,
    #[prost(message, repeated, tag = "6")]
    pub(super) records: Vec<Record>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Trades(Trades),
    #[prost(message, tag = "2")]
    Tick(Tick),
    #[prost(message, tag = "3")]
    Feed(FeedChange),
    #[prost(message, tag = "4")]
    Settings(Settings),
    #[prost(message, tag = "5")]
    Watermark(Watermark),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Trades {
    #[prost(sint64, tag = "1")]
    pub(super) ts_recv: i64,
    #[prost(string, repeated, tag = "2")]
    pub(super) names: Vec<String>,
    #[prost(uint32, repeated, tag = "3")]
    pub(super) symbol: Vec<u32>,
    #[prost(uint32, repeated, tag = "4")]
    pub(super) conditions: Vec<u32>,
    #[prost(sint64, repeated, tag = "5")]
    pub(super) ts_event: Vec<i64>,
    #[prost(uint64, repeated, tag = "6")]
    pub(super) price: Vec<u64>,
    #[prost(uint32, repeated, tag = "7")]
    pub(super) price_scale: Vec<u32>,
    #[prost(uint64, repeated, tag = "8")]
    pub(super) size: Vec<u64>,
    #[prost(uint32, repeated, tag = "9")]
    pub(super) size_scale: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tick {
    #[prost(sint64, tag = "1")]
    pub(super) time: i64,
    #[prost(sint64, tag = "2")]
    pub(super) heard: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FeedChange {
    #[prost(sint64, tag = "1")]
    pub(super) at: i64,
    #[prost(sint64, tag = "2")]
    pub(super) ts_recv: i64,
    #[prost(oneof = "Event", tags = "3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13")]
    pub(super) event: Option<Event>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Event {
    #[prost(message, tag = "3")]
    Started(Started),
    #[prost(enumeration = "Clock", tag = "4")]
    Clock(i32),
    #[prost(message, tag = "5")]
    Connected(Nothing),
    #[prost(message, tag = "6")]
    Subscribed(Symbols),
    #[prost(message, tag = "7")]
    Unsubscribed(Symbols),
    #[prost(message, tag = "8")]
    GapOpened(GapOpened),
    #[prost(message, tag = "9")]
    GapClosed(Nothing),
    #[prost(message, tag = "10")]
    Stale(Nothing),
    #[prost(message, tag = "11")]
    Fresh(Nothing),
    #[prost(string, tag = "12")]
    Refused(String),
    #[prost(message, tag = "13")]
    Ended(Nothing),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Nothing {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Started {
    #[prost(string, tag = "1")]
    pub(super) venue: String,
    #[prost(bool, tag = "2")]
    pub(super) simulated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub(super) enum Clock {
    Unspecified = 0,
    Wall = 1,
    Event = 2,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Symbols {
    #[prost(string, repeated, tag = "1")]
    pub(super) symbols: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct GapOpened {
    #[prost(sint64, tag = "1")]
    pub(super) from: i64,
    #[prost(enumeration = "GapCause", tag = "2")]
    pub(super) cause: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub(super) enum GapCause {
    Unspecified = 0,
    Disconnected = 1,
    Silent = 2,
    Stopped = 3,
    Overload = 4,
    BadFrames = 5,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Settings {
    #[prost(uint64, tag = "1")]
    pub(super) revision: u64,
    #[prost(int64, repeated, tag = "2")]
    pub(super) windows: Vec<i64>,
    #[prost(int64, tag = "3")]
    pub(super) grid: i64,
    #[prost(int64, tag = "4")]
    pub(super) lateness: i64,
    #[prost(int64, optional, tag = "5")]
    pub(super) revise: Option<i64>,
    #[prost(enumeration = "Conditions", tag = "6")]
    pub(super) conditions: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub(super) enum Conditions {
    Unspecified = 0,
    All = 1,
    Sip = 2,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Watermark {
    #[prost(sint64, optional, tag = "1")]
    pub(super) time: Option<i64>,
    #[prost(sint64, optional, tag = "2")]
    pub(super) heard: Option<i64>,
    #[prost(sint64, optional, tag = "3")]
    pub(super) begun: Option<i64>,
}
