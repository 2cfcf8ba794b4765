//! Reading what will be needed, for many symbols in one go.
//!
//! With thousands of symbols, what is kept of one has left the cache when it is needed again, and a
//! symbol is seven or eight cache lines in places that are found one through the other. Taken one
//! symbol at a time, each would be waited for on its own. Here the processor is asked for the same
//! lines of many symbols at once, and the answers come together. So the types that it reads say in
//! which order their parts lie, and the parts that each trade needs share few lines.

use super::symbol::Symbol;
use crate::book::Kind;

/// Symbols that are fetched together: what is fetched must still be in the cache when it is used.
pub(super) const TOGETHER: usize = 32;

/// So few symbols stay in the cache.
const CACHED: usize = 256;

/// Reads the parts of `symbols` that a step of their views of `kind` needs; `None`: only what adding
/// a trade needs.
#[inline]
pub(super) fn fetch<'a>(
    symbols: &[Symbol],
    indexes: &(impl Iterator<Item = &'a u32> + Clone),
    kind: Option<Kind>,
) {
    if symbols.len() <= CACHED {
        return;
    }
    let all = || {
        let indexes = indexes.clone();
        indexes.filter_map(|index| symbols.get(*index as usize))
    };
    let mut seen = all().fold(0, |seen, symbol| seen ^ symbol.touch(kind));
    if let Some(kind) = kind {
        seen = all().fold(seen, |seen, symbol| seen ^ symbol.touch_view(kind));
        seen = all().fold(seen, |seen, symbol| seen ^ symbol.book.touch_trades(kind));
    }
    // Nothing else uses it: without this the reads would be left out.
    std::hint::black_box(seen);
}
