//! What a change of the settings does to windows and grid.

use super::Analyzer;
use super::grid::{hold, regrid};
use crate::point::Point;
use crate::record::SettingsEpoch;

impl Analyzer {
    pub(super) fn change_settings(&mut self, epoch: &SettingsEpoch, out: &mut Vec<Point>) {
        self.flush(out);
        let (old, new) = (self.settings.clone(), epoch.settings.clone());
        self.settings_revision = epoch.revision;
        if old == new {
            return;
        }
        if let Some(now) = self.log_time {
            self.held_from = self.held_from.max(now.saturating_sub(hold(&old)));
        }
        let grids = (old.grid, new.grid);
        self.settings = new;
        if grids.0 != grids.1 {
            self.next_grid = self.next_grid.map(|next| regrid(next, grids.0, grids.1));
        }
        let emitted_to = self
            .next_grid
            .unwrap_or(i64::MIN)
            .saturating_sub(self.settings.grid.ns());
        for symbol in &mut self.symbols {
            symbol.reconfigure((&old, &self.settings), emitted_to);
        }
    }
}
