//! What the market did: the live view, stored series, trades and gaps.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use stock_up_core::Span;

use crate::serve::App;
use crate::serve::answers::{
    AlertsAnswer, GapAnswer, GapsAnswer, RulesAnswer, SeriesAnswer, SymbolsAnswer, TradesAnswer,
};
use crate::serve::query::{Query, check_range, given, limit, span, time};
use crate::serve::refusal::{Answer, Refusal};
use crate::serve::sources::{GapQuery, SeriesQuery, TradesQuery};

/// Most points of an answer.
const MAX_POINTS: usize = 10_000;

/// Points of an answer whose step the server picks.
const PICKED_POINTS: i64 = 2_000;

/// Most trades of an answer, and how many there are unless told.
const MAX_TRADES: usize = 10_000;
const DEFAULT_TRADES: usize = 1_000;

const HOUR_NS: i64 = 3_600 * 1_000_000_000;

/// Steps that read well, in seconds; beyond them, whole days.
const STEPS: [i64; 17] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200,
];

/// Nothing can be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct NoParams {}

/// Which part of a series.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct SeriesParams {
    symbol: Option<String>,
    /// Length of the window, such as `60s`.
    window: Option<String>,
    /// ns since the Unix epoch or RFC 3339; one hour before `to` if left out.
    from: Option<String>,
    /// ns since the Unix epoch or RFC 3339; the log's time if left out.
    to: Option<String>,
    /// Distance of points, such as `10s`; if left out, one that gives at most 2,000 points.
    step: Option<String>,
}

/// Which trades.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct TradesParams {
    symbol: Option<String>,
    /// ns since the Unix epoch or RFC 3339; the beginning if left out.
    from: Option<String>,
    /// ns since the Unix epoch or RFC 3339; the end if left out.
    to: Option<String>,
    /// How many of the newest: 1..=10000, 1000 if left out.
    limit: Option<String>,
}

/// Which gaps.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct GapsParams {
    /// Gaps that concern this symbol; all if left out.
    symbol: Option<String>,
    /// ns since the Unix epoch or RFC 3339; the beginning if left out.
    from: Option<String>,
    /// ns since the Unix epoch or RFC 3339; the end if left out.
    to: Option<String>,
}

pub(in crate::serve) async fn symbols(
    State(app): State<App>,
    Query(NoParams {}): Query<NoParams>,
) -> Response {
    let snapshot = app.hub().snapshot();
    Answer(SymbolsAnswer::new(&snapshot, |_| true, |_| true)).into_response()
}

pub(in crate::serve) async fn series(
    State(app): State<App>,
    Query(params): Query<SeriesParams>,
) -> Result<Answer<SeriesAnswer>, Refusal> {
    let wanted = series_query(&app, &params)?;
    check_symbol(&app, &wanted.symbol).await?;
    let answer = SeriesAnswer::new(wanted.symbol.clone(), wanted.window, wanted.step);
    let history = app.history();
    let read = move || history.series(&wanted);
    let page = app.reads().run("reading the series", read).await?;
    Ok(Answer(answer.filled(page.rows, page.truncated)))
}

pub(in crate::serve) async fn trades(
    State(app): State<App>,
    Query(params): Query<TradesParams>,
) -> Result<Answer<TradesAnswer>, Refusal> {
    let wanted = TradesQuery {
        symbol: required("symbol", params.symbol.as_ref())?.to_owned(),
        from: time("from", params.from.as_ref())?,
        to: time("to", params.to.as_ref())?,
        limit: limit(params.limit.as_ref(), DEFAULT_TRADES, MAX_TRADES)?,
    };
    check_range(wanted.from, wanted.to)?;
    check_symbol(&app, &wanted.symbol).await?;
    let source = app.trades();
    let read = move || source.trades(&wanted);
    let page = app.reads().run("reading the trades", read).await?;
    Ok(Answer(TradesAnswer {
        trades: page.trades.into_iter().map(Into::into).collect(),
        truncated: page.truncated,
    }))
}

pub(in crate::serve) async fn gaps(
    State(app): State<App>,
    Query(params): Query<GapsParams>,
) -> Result<Response, Refusal> {
    let wanted = GapQuery {
        symbol: given(params.symbol.as_ref()).map(str::to_owned),
        from: time("from", params.from.as_ref())?,
        to: time("to", params.to.as_ref())?,
    };
    check_range(wanted.from, wanted.to)?;
    if let Some(symbol) = &wanted.symbol {
        check_symbol(&app, symbol).await?;
    }
    let history = app.history();
    let read = move || history.gaps(&wanted);
    let gaps = app.reads().run("reading the gaps", read).await?;
    let gaps = gaps.iter().map(GapAnswer::from).collect();
    Ok(Answer(GapsAnswer { gaps }).into_response())
}

pub(in crate::serve) async fn rules(Query(NoParams {}): Query<NoParams>) -> Answer<RulesAnswer> {
    Answer(RulesAnswer { rules: [] })
}

pub(in crate::serve) async fn alerts(Query(NoParams {}): Query<NoParams>) -> Answer<AlertsAnswer> {
    Answer(AlertsAnswer { alerts: [] })
}

fn series_query(app: &App, params: &SeriesParams) -> Result<SeriesQuery, Refusal> {
    let symbol = required("symbol", params.symbol.as_ref())?.to_owned();
    required("window", params.window.as_ref())?;
    let window = span("window", params.window.as_ref())?.unwrap_or_default();
    let (windows, grid) = app.hub().windows();
    if !windows.contains(&window) {
        let known: Vec<String> = windows.iter().map(Span::to_string).collect();
        let detail = format!(
            "window `{window}` is not computed; there are {}; add it to the settings",
            known.join(", ")
        );
        return Err(Refusal::not_found("unknown_window", detail));
    }
    let to = time("to", params.to.as_ref())?.unwrap_or_else(|| app.hub().time().unwrap_or(0));
    let from = time("from", params.from.as_ref())?.unwrap_or_else(|| to.saturating_sub(HOUR_NS));
    check_range(Some(from), Some(to))?;
    let step = span("step", params.step.as_ref())?;
    Ok(SeriesQuery {
        symbol,
        window,
        from,
        to,
        step: step.map_or_else(|| pick_step(from, to, grid), |step| step.max(grid)),
        limit: MAX_POINTS,
    })
}

/// The smallest step that reads well and gives few enough points.
fn pick_step(from: i64, to: i64, grid: Span) -> Span {
    let least = to.saturating_sub(from) / (PICKED_POINTS - 1) + 1;
    if least <= grid.ns() {
        return grid;
    }
    let second = 1_000_000_000;
    let day = 86_400 * second;
    let nice = STEPS.into_iter().map(|step| step * second);
    let picked = nice
        .into_iter()
        .find(|step| *step >= least && step % grid.ns().max(1) == 0)
        .unwrap_or_else(|| (least / day + 1).saturating_mul(day));
    Span::from_ns(picked)
}

fn required<'a>(name: &str, text: Option<&'a String>) -> Result<&'a str, Refusal> {
    given(text).ok_or_else(|| {
        let detail = format!("`{name}` is missing in the query");
        Refusal::bad_request("missing_parameter", detail)
    })
}

/// A symbol is known when it is followed, was followed, or has anything stored.
async fn check_symbol(app: &App, symbol: &str) -> Result<(), Refusal> {
    if app.hub().knows(symbol) {
        return Ok(());
    }
    let (history, name) = (app.history(), symbol.to_owned());
    let read = move || history.knows(&name);
    if app.reads().run("looking up the symbol", read).await? {
        return Ok(());
    }
    let detail = format!("symbol `{symbol}` is not known; add it to the subscriptions");
    Err(Refusal::not_found("unknown_symbol", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picked_step_reads_well_and_gives_at_most_2000_points() {
        let second = 1_000_000_000;
        for (seconds, grid, step) in [
            (3_600, "1s", "2s"),
            (1_000, "1s", "1s"),
            (0, "1s", "1s"),
            (86_400, "1s", "60s"),
            (10, "10ms", "10ms"),
            (100, "10ms", "1s"),
            (86_400 * 365, "1s", "21600s"),
            (86_400 * 365 * 100, "1s", "1641600s"),
        ] {
            let grid = Span::parse(grid).unwrap();
            let picked = pick_step(0, seconds * second, grid);
            assert_eq!(picked.to_string(), step, "{seconds} s");
            assert!(seconds * second / picked.ns() <= PICKED_POINTS);
        }
        assert!(pick_step(i64::MIN, i64::MAX, Span::from_secs(1)).ns() > 0);
    }
}
