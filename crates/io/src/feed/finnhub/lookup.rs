//! From the texts of a frame to their ids in the dictionary of the batch.
//!
//! A text that stood in the batch before is found by its bytes as they stand in the frame; only a
//! new one is judged and looked up.

use stock_up_core::trade::symbol_problem;
use stock_up_core::{NameId, Names};

use super::conditions;
use super::memo::{BatchTexts, Ids, LongTexts};
use super::text::unescape;
use crate::feed::bad::BadTrade;

/// Finds the ids of one frame's texts.
pub(super) struct Lookup<'a, 'i> {
    subscribed: Option<&'i Names>,
    names: &'i mut Names,
    texts: &'i mut BatchTexts,
    long_symbols: LongTexts<'a>,
    long_lists: LongTexts<'a>,
    /// The id of no conditions, once it is known.
    none: Option<NameId>,
    scratch: String,
}

impl<'a, 'i> Lookup<'a, 'i> {
    /// For a frame whose texts go to `names`, and whose symbols are among `subscribed` if that is
    /// known.
    pub(super) fn new(
        subscribed: Option<&'i Names>,
        names: &'i mut Names,
        texts: &'i mut BatchTexts,
    ) -> Self {
        if names.is_empty() {
            texts.begin();
        }
        Self {
            subscribed,
            names,
            texts,
            long_symbols: LongTexts::new(),
            long_lists: LongTexts::new(),
            none: None,
            scratch: String::new(),
        }
    }

    /// The id of no conditions.
    #[inline]
    pub(super) fn none(&mut self) -> NameId {
        let names = &mut *self.names;
        *self.none.get_or_insert_with(|| names.intern(""))
    }

    /// The id of the plain symbol whose text begins here, and its length with the quote at its end;
    /// none is known where the subscriptions are not.
    #[inline]
    pub(super) fn plain_symbol(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        let known = self.texts.symbols.find(&self.long_symbols, bytes);
        known.or_else(|| self.learn_symbol(bytes))
    }

    /// The id of the plain conditions whose list begins here, and the length of the list.
    #[inline]
    pub(super) fn plain_conditions(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        let known = self.texts.lists.find(&self.long_lists, bytes);
        known.or_else(|| self.learn_conditions(bytes))
    }

    /// The id of a symbol as any JSON string, if it is one that is wanted.
    pub(super) fn symbol(&mut self, raw: &[u8]) -> Result<NameId, BadTrade> {
        let text = unescape(raw).ok_or(BadTrade::Symbol("symbol holds a broken escape"))?;
        let known = self.subscribed.map(|names| names.find(&text).is_some());
        // What is subscribed was judged when it was wanted.
        if known != Some(true) {
            judge_symbol(&text)?;
        }
        if known == Some(false) {
            return Err(BadTrade::Unsubscribed);
        }
        Ok(self.names.intern(&text))
    }

    /// The id of conditions as any JSON list.
    pub(super) fn conditions(&mut self, raw: &[u8]) -> Result<NameId, BadTrade> {
        self.scratch.clear();
        conditions::join(raw, &mut self.scratch)?;
        Ok(self.names.intern(&self.scratch))
    }

    #[inline(never)]
    fn learn_symbol(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        let subscribed = self.subscribed?;
        let (known, length) = self
            .subscribed_before(bytes, subscribed)
            .or_else(|| find_subscribed(bytes, subscribed))?;
        let ids = Ids {
            here: self.names.intern(subscribed.get(known)),
            subscribed: Some(known),
        };
        let memo = &mut self.texts.symbols;
        memo.add(&mut self.long_symbols, (bytes, length), ids);
        Some((ids.here, length))
    }

    /// A symbol that stood in a batch before, if it is subscribed still.
    #[inline]
    fn subscribed_before(&self, bytes: &[u8], subscribed: &Names) -> Option<(NameId, usize)> {
        let (known, length) = self.texts.symbols.find_subscribed(bytes)?;
        let text = subscribed.get(known).as_bytes();
        let is_same = text.len() + 1 == length && bytes.starts_with(text);
        is_same.then_some((known, length))
    }

    #[inline(never)]
    fn learn_conditions(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        self.scratch.clear();
        let length = conditions::join_plain(bytes, &mut self.scratch)?;
        let ids = Ids {
            here: self.names.intern(&self.scratch),
            subscribed: None,
        };
        let memo = &mut self.texts.lists;
        memo.add(&mut self.long_lists, (bytes, length), ids);
        Some((ids.here, length))
    }
}

/// The plain text that begins at `bytes`, if it is subscribed, and its length with the quote at its
/// end.
fn find_subscribed(bytes: &[u8], subscribed: &Names) -> Option<(NameId, usize)> {
    let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (raw, behind) = bytes.split_at_checked(end)?;
    if behind.first() != Some(&b'"') {
        return None;
    }
    let known = subscribed.find(std::str::from_utf8(raw).ok()?)?;
    Some((known, raw.len() + 1))
}

fn judge_symbol(text: &str) -> Result<(), BadTrade> {
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(BadTrade::Character {
            code: u32::from(c),
            place: "symbol",
        });
    }
    match symbol_problem(text) {
        Some(problem) => Err(BadTrade::Symbol(problem)),
        None => Ok(()),
    }
}
