//! Which symbols are wanted, which the venue was asked for, and the difference.
//!
//! The wish comes from people, so it is put in order first: repeats fall away, texts that cannot be
//! symbols and those beyond the venue's limit are refused with their reason.

use stock_up_core::Names;
use stock_up_core::trade::symbol_problem;

/// A symbol that is not subscribed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSymbol {
    /// The symbol, as it was asked for.
    pub symbol: String,
    /// Why not.
    pub reason: String,
}

/// What to ask a venue for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// Symbols to observe from now on.
    pub add: Vec<String>,
    /// Symbols to observe no longer.
    pub remove: Vec<String>,
}

/// The symbols that the venue was asked for, or will be at the next connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    wanted: Vec<String>,
    /// The same as a dictionary, for the decoder.
    names: Names,
}

impl Subscriptions {
    pub(super) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Takes over a new wish; returns the difference and what is refused.
    pub(super) fn wish(
        &mut self,
        symbols: &[String],
        max_symbols: usize,
    ) -> (SubscriptionChange, Vec<RefusedSymbol>) {
        let (wanted, refused) = accept(symbols, max_symbols);
        let mut names = Names::new();
        for symbol in &wanted {
            names.intern(symbol);
        }
        let missing_in = |names: &Names, from: &[String]| {
            let missing = from.iter().filter(|symbol| names.find(symbol).is_none());
            missing.cloned().collect::<Vec<_>>()
        };
        let change = SubscriptionChange {
            add: missing_in(&self.names, &wanted),
            remove: missing_in(&names, &self.wanted),
        };
        self.wanted = wanted;
        self.names = names;
        (change, refused)
    }
}

/// The first `max_symbols` proper symbols, each once, and the rest with reasons.
fn accept(symbols: &[String], max_symbols: usize) -> (Vec<String>, Vec<RefusedSymbol>) {
    let (mut wanted, mut refused) = (Vec::new(), Vec::new());
    let mut seen = Names::new();
    for symbol in symbols {
        let known = seen.len();
        if seen.intern(symbol).index() < known {
            continue;
        }
        let problem = symbol_problem(symbol).map(str::to_owned);
        let reason = problem.or_else(|| {
            (wanted.len() >= max_symbols)
                .then(|| format!("the venue takes {max_symbols} symbols; unsubscribe another"))
        });
        match reason {
            None => wanted.push(symbol.clone()),
            Some(reason) => refused.push(RefusedSymbol {
                symbol: symbol.chars().take(64).collect(),
                reason,
            }),
        }
    }
    (wanted, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(subscriptions: &mut Subscriptions, wish: &str, add: &str, remove: &str) {
        let (change, refused) = subscriptions.wish(&list(wish), 3);
        assert_eq!((change.add, change.remove), (list(add), list(remove)));
        assert_eq!(refused, []);
    }

    #[test]
    fn a_wish_becomes_the_difference() {
        let mut subscriptions = Subscriptions::default();
        check(&mut subscriptions, "SPY IBM", "SPY IBM", "");
        check(&mut subscriptions, "IBM SPY SPY", "", "");
        check(&mut subscriptions, "IBM BAC", "BAC", "SPY");
        check(&mut subscriptions, "", "", "IBM BAC");
        assert!(subscriptions.names().is_empty());
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_its_reason() {
        let mut subscriptions = Subscriptions::default();
        let wish = ["A", "B,C", "D", "", "E", "F"].map(str::to_owned);
        let (change, refused) = subscriptions.wish(&wish, 3);
        assert_eq!(change.add, list("A D E"));
        let reasons: Vec<&str> = refused.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "symbol holds a comma, which separates symbols",
                "symbol is empty",
                "the venue takes 3 symbols; unsubscribe another",
            ]
        );
    }
}
