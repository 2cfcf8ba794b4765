//! How long points are kept, and how densely.

use stock_up_core::Span;
use thiserror::Error;

/// What is packed together, and what is thinned at once where points are dense.
pub(super) const BLOCK_NS: i64 = 600_000_000_000;

/// How long points are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Every point with every revision.
    pub full: Span,
    /// The distance of the points that are kept after that.
    pub coarse_step: Span,
    /// How long those are kept.
    pub coarse: Span,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetentionError {
    /// Late trades must still find the points that they revise.
    #[error("retention full = `{0}` is below 1h")]
    Full(Span),
    /// The order of the tiers.
    #[error("retention coarse = `{coarse}` is shorter than full = `{full}`")]
    Coarse {
        /// As set.
        coarse: Span,
        /// As set.
        full: Span,
    },
    /// Steps must fit the blocks that are thinned.
    #[error("retention coarse_step = `{0}` does not divide 10m")]
    Step(Span),
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            full: Span::from_secs(7 * 86_400),
            coarse_step: Span::from_secs(60),
            coarse: Span::from_secs(90 * 86_400),
        }
    }
}

impl RetentionPolicy {
    /// The same policy, once its values go together.
    pub fn validated(self) -> Result<Self, RetentionError> {
        if self.full < Span::from_secs(3_600) {
            return Err(RetentionError::Full(self.full));
        }
        if self.coarse < self.full {
            return Err(RetentionError::Coarse {
                coarse: self.coarse,
                full: self.full,
            });
        }
        if self.coarse_step == Span::ZERO || BLOCK_NS % self.coarse_step.ns() != 0 {
            return Err(RetentionError::Step(self.coarse_step));
        }
        Ok(self)
    }
}
