//! Every endpoint, once: the router and the OpenAPI document are both made from this table.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::answers::{
    AlertsAnswer, GapsAnswer, Login, RulesAnswer, SeriesAnswer, SettingsAnswer, SettingsChange,
    SymbolsAnswer, TradesAnswer,
};
use super::guard::guard;
use super::handlers::live::{LiveParams, live};
use super::handlers::market::{
    GapsParams, SeriesParams, TradesParams, alerts, gaps, rules, series, symbols, trades,
};
use super::handlers::own::{METRICS_TYPE, healthz, log_in, metrics, openapi, readyz};
use super::handlers::settings::{change_settings, settings};
use super::{App, page};

/// How a type describes itself.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// An endpoint.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) params: Option<Describe>,
    pub(super) body: Option<Describe>,
    pub(super) answer: Answered,
    handler: fn() -> MethodRouter<App>,
}

/// What an endpoint answers when all is well.
#[derive(Clone, Copy)]
pub(super) enum Answered {
    Json(Describe),
    /// Any JSON.
    Document,
    /// Text of this type.
    Text(&'static str),
    /// Server-sent events.
    Events,
    /// 204.
    Nothing,
}

const PLAIN: Answered = Answered::Text("text/plain; charset=utf-8");

/// All endpoints but the page's files, in the order of `docs/http.md`.
pub(super) fn routes() -> Vec<Route> {
    let mut all = own_routes();
    all.extend(market_routes());
    all.extend(settings_routes());
    all
}

fn own_routes() -> Vec<Route> {
    vec![
        route("/healthz", "Whether the process serves", PLAIN, || {
            get(healthz)
        }),
        route(
            "/readyz",
            "Whether the numbers can be relied on; 503 with the reason",
            PLAIN,
            || get(readyz),
        ),
        route(
            "/metrics",
            "The program's own metrics for Prometheus",
            Answered::Text(METRICS_TYPE),
            || get(metrics),
        ),
        route(
            "/api/v1/openapi.json",
            "This document",
            Answered::Document,
            || get(openapi),
        ),
        Route {
            method: "post",
            body: Some(describe::<Login>),
            ..route(
                "/api/v1/session",
                "Exchanges the token for a cookie",
                Answered::Nothing,
                || post(log_in),
            )
        },
    ]
}

fn market_routes() -> Vec<Route> {
    vec![
        route(
            "/api/v1/symbols",
            "What is followed, and its live view",
            json::<SymbolsAnswer<'_>>(),
            || get(symbols),
        ),
        Route {
            params: Some(describe::<SeriesParams>),
            ..route(
                "/api/v1/series",
                "A stored series, one array per column",
                json::<SeriesAnswer>(),
                || get(series),
            )
        },
        Route {
            params: Some(describe::<TradesParams>),
            ..route(
                "/api/v1/trades",
                "Trades of a symbol, in log order",
                json::<TradesAnswer>(),
                || get(trades),
            )
        },
        Route {
            params: Some(describe::<GapsParams>),
            ..route(
                "/api/v1/gaps",
                "What was not observed",
                json::<GapsAnswer<'_>>(),
                || get(gaps),
            )
        },
        route(
            "/api/v1/rules",
            "Rules; none yet",
            json::<RulesAnswer>(),
            || get(rules),
        ),
        route(
            "/api/v1/alerts",
            "Alerts; none yet",
            json::<AlertsAnswer>(),
            || get(alerts),
        ),
        Route {
            params: Some(describe::<LiveParams>),
            ..route(
                "/api/v1/live",
                "Everything that changes, as server-sent events",
                Answered::Events,
                || get(live),
            )
        },
    ]
}

fn settings_routes() -> Vec<Route> {
    let path = "/api/v1/settings";
    vec![
        route(
            path,
            "The settings in force",
            json::<SettingsAnswer>(),
            || get(settings),
        ),
        Route {
            method: "put",
            body: Some(describe::<SettingsChange>),
            ..route(
                path,
                "Changes the settings",
                json::<SettingsAnswer>(),
                || put(change_settings),
            )
        },
    ]
}

fn route(
    path: &'static str,
    summary: &'static str,
    answer: Answered,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route {
        method: "get",
        path,
        summary,
        params: None,
        body: None,
        answer,
        handler,
    }
}

fn json<T: JsonSchema>() -> Answered {
    Answered::Json(describe::<T>)
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The router of all endpoints and of the page.
pub(super) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for route in routes() {
        router = router.route(route.path, (route.handler)());
    }
    router
        .fallback(page::page)
        .method_not_allowed_fallback(page::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app.clone())
}
