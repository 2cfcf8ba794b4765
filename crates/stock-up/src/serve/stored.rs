//! The embedded store as the history that is asked for.

use std::sync::Arc;

use stock_up_io::store::{self, Gap, GapFilter, ReaderPool, StoreReader};

use super::sources::{GapQuery, History, SeriesPage, SeriesQuery};
use crate::hub::Row;

impl History for ReaderPool {
    fn series(&self, query: &SeriesQuery) -> anyhow::Result<SeriesPage> {
        let series = self.with(|reader| {
            reader.series(&store::SeriesQuery {
                symbol: &query.symbol,
                window: query.window,
                from: query.from,
                to: query.to,
                step: Some(query.step),
                limit: query.limit,
            })
        })?;
        let symbol: Arc<str> = Arc::from(query.symbol.as_str());
        let row = |point| Row {
            symbol: Arc::clone(&symbol),
            point,
        };
        Ok(SeriesPage {
            rows: series.points.into_iter().map(row).collect(),
            truncated: series.truncated,
        })
    }

    fn gaps(&self, query: &GapQuery) -> anyhow::Result<Vec<Gap>> {
        let filter = GapFilter {
            symbol: query.symbol.as_deref(),
            from: query.from,
            to: query.to,
        };
        Ok(self.with(|reader| reader.gaps(&filter))?)
    }

    fn knows(&self, symbol: &str) -> anyhow::Result<bool> {
        let symbols = self.with(StoreReader::symbols)?;
        Ok(symbols.iter().any(|known| known.symbol == symbol))
    }
}
