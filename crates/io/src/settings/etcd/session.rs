//! One connection to etcd: listing, watching, writing, and a new login when a token is too old.

use std::future::Future;
use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, EventType, GetOptions, KeyValue, KvClient, ResponseHeader,
    SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse, TxnResponse, WatchOptions, WatchStream,
};
use tokio::time::timeout;

use super::error::{EtcdError, Fault, needs_no_login, sort};
use super::key::{Held, Key, Listing, Value};
use super::options::EtcdOptions;

/// Longest answer: every key at etcd's own limit of 1.5 MiB for a request.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Most keys of a folder that are looked at for unknown names.
const MAX_NAMES: i64 = 64;

/// A connection that is logged in.
pub(super) struct Session {
    client: Client,
    kv: KvClient,
    options: EtcdOptions,
    /// What people call the server.
    place: String,
}

/// What a watch says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Without the prefix.
    pub(super) name: String,
    /// `None`: it was deleted.
    pub(super) value: Option<Value>,
    pub(super) revision: i64,
}

impl Session {
    /// Connects to one of the addresses, by turns, and logs in.
    pub(super) async fn open(options: &EtcdOptions, turn: usize) -> Result<Self, Fault> {
        let turn = turn % options.endpoints.len().max(1);
        let endpoint = options.endpoints.get(turn).map_or("", String::as_str);
        let (url, place) = (options.url(endpoint), options.place());
        let connect_options = options.connect_options(&url).map_err(Fault::Told)?;
        let connect = Client::connect([url], Some(connect_options));
        let mut client = within(options.timeout, &place, connect).await?;
        if let Some((user, password)) = &options.user {
            let user = Some((user.clone(), password.expose().to_owned()));
            let login = timeout(options.timeout, client.update_user(user)).await;
            match login.map_err(|_| silent(&place))? {
                Err(error) if !needs_no_login(&error) => return Err(sort(&place, &error)),
                Ok(()) | Err(_) => {}
            }
        }
        let kv = client
            .kv_client()
            .max_decoding_message_size(MAX_ANSWER_BYTES);
        Ok(Self {
            client,
            kv,
            options: options.clone(),
            place,
        })
    }

    /// Everything of ours, at one revision.
    pub(super) async fn list(&mut self) -> Result<Listing, Fault> {
        let mut gets = Vec::new();
        for key in Key::ALL {
            gets.push(TxnOp::get(self.options.key(key.name()), None));
        }
        for folder in self.options.folders() {
            let names = GetOptions::new()
                .with_prefix()
                .with_keys_only()
                .with_limit(MAX_NAMES)
                .with_sort(SortTarget::Key, SortOrder::Ascend);
            gets.push(TxnOp::get(folder, Some(names)));
        }
        let answer = self.txn(Txn::new().and_then(gets)).await?;
        let (cluster, revision) = answer
            .header()
            .map_or((0, 0), |header| (header.cluster_id(), header.revision()));
        let mut listing = Listing {
            cluster,
            revision,
            ..Listing::default()
        };
        for response in answer.op_responses() {
            let TxnOpResponse::Get(found) = response else {
                continue;
            };
            for found in found.kvs() {
                self.sort_in(found, &mut listing);
            }
        }
        Ok(listing)
    }

    fn sort_in(&self, found: &KeyValue, listing: &mut Listing) {
        let (name, revision) = (self.name(found.key()), found.mod_revision());
        let Some(key) = Key::named(&name) else {
            listing.unknown.push((name, revision));
            return;
        };
        // The keys come first, with their values; among the names they come again without.
        if listing.values.iter().all(|(known, _)| *known != key) {
            let value = Value::of(found.value());
            listing.values.push((key, Held { value, revision }));
        }
    }

    /// The key as we call it.
    fn name(&self, key: &[u8]) -> String {
        let name = key.strip_prefix(self.options.prefix.as_bytes());
        let name = String::from_utf8_lossy(name.unwrap_or(key));
        name.chars().filter(|c| !c.is_control()).take(128).collect()
    }

    /// Watches our folders from a revision on.
    pub(super) async fn watch(&mut self, from: i64) -> Result<WatchStream, Fault> {
        let options = WatchOptions::new().with_prefix().with_start_revision(from);
        let [first, second] = self.options.folders();
        let mut watcher = self
            .client
            .watch_client()
            .max_decoding_message_size(MAX_ANSWER_BYTES);
        let opened = watcher.watch(first, Some(options.clone()));
        let mut stream = within(self.options.timeout, &self.place, opened).await?;
        let also = stream.watch(second, Some(options));
        within(self.options.timeout, &self.place, also).await?;
        Ok(stream)
    }

    /// The next changes of a watch; it may well be none.
    pub(super) async fn next(&self, stream: &mut WatchStream) -> Result<Vec<Change>, Fault> {
        let message = stream.message().await;
        let message = message.map_err(|error| sort(&self.place, &error))?;
        // It ended, or it was refused: most often because the history it asked for is compacted.
        let Some(message) = message.filter(|message| !message.canceled()) else {
            return Err(Fault::Interrupted);
        };
        let change = |event: &etcd_client::Event| {
            let found = event.kv()?;
            let value = (event.event_type() == EventType::Put).then(|| Value::of(found.value()));
            Some(Change {
                name: self.name(found.key()),
                value,
                revision: found.mod_revision(),
            })
        };
        Ok(message.events().iter().filter_map(change).collect())
    }

    /// Puts and deletes keys together, if all keys still have the revisions that we know. Gives
    /// the revision of the change, or `None` if somebody else was faster.
    pub(super) async fn commit(
        &mut self,
        known: &[(Key, i64)],
        changes: &[(Key, Option<String>)],
    ) -> Result<Option<i64>, Fault> {
        let unchanged: Vec<_> = known
            .iter()
            .map(|(key, revision)| {
                let key = self.options.key(key.name());
                Compare::mod_revision(key, CompareOp::Equal, *revision)
            })
            .collect();
        let writes: Vec<_> = changes
            .iter()
            .map(|(key, text)| {
                let key = self.options.key(key.name());
                match text {
                    Some(text) => TxnOp::put(key, text.as_str(), None),
                    None => TxnOp::delete(key, None),
                }
            })
            .collect();
        let answer = self
            .txn(Txn::new().when(unchanged).and_then(writes))
            .await?;
        let revision = answer.header().map_or(0, ResponseHeader::revision);
        Ok(answer.succeeded().then_some(revision))
    }

    /// One transaction; a token that is too old is renewed once.
    async fn txn(&mut self, txn: Txn) -> Result<TxnResponse, Fault> {
        match within(self.options.timeout, &self.place, self.kv.txn(txn.clone())).await {
            Err(Fault::Stale) => {
                let login = self.client.refresh_token();
                within(self.options.timeout, &self.place, login).await?;
                within(self.options.timeout, &self.place, self.kv.txn(txn)).await
            }
            answered => answered,
        }
    }
}

/// The answer to a call, which is bounded.
async fn within<T>(
    time: Duration,
    place: &str,
    call: impl Future<Output = Result<T, etcd_client::Error>>,
) -> Result<T, Fault> {
    let answer = timeout(time, call).await.map_err(|_| silent(place))?;
    answer.map_err(|error| sort(place, &error))
}

fn silent(place: &str) -> Fault {
    Fault::Told(EtcdError::Unreachable {
        place: place.to_owned(),
        why: "no answer in time".to_owned(),
    })
}
