//! How many connections there may be, in all and from one address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::gauge::Gauge;

/// Counts connections.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    total: usize,
    per_ip: usize,
    gauge: Gauge,
}

/// Why a connection is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// The server is full.
    Full,
    /// This address has enough.
    PerIp,
}

impl TurnedAway {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::PerIp => "per_ip",
        }
    }
}

/// The place of one connection; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    admission: Admission,
    ip: IpAddr,
}

impl Admission {
    pub(super) fn new(total: usize, per_ip: usize, gauge: Gauge) -> Self {
        Self {
            open: Arc::default(),
            total,
            per_ip,
            gauge,
        }
    }

    pub(super) fn enter(&self, ip: IpAddr) -> Result<Place, TurnedAway> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&ip).is_some_and(|count| *count >= self.per_ip) {
            return Err(TurnedAway::PerIp);
        }
        if open.values().sum::<usize>() >= self.total {
            return Err(TurnedAway::Full);
        }
        *open.entry(ip).or_default() += 1;
        self.gauge.inc();
        Ok(Place {
            admission: self.clone(),
            ip,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .admission
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.ip);
            }
        }
        self.admission.gauge.dec();
    }
}
