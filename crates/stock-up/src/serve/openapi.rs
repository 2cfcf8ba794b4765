//! The OpenAPI 3.1 document, made from the table of routes and from the types that are written.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::answers::{
    FeedAnswer, FollowedAnswer, GapAnswer, RowAnswer, SettingsAnswer, SymbolsAnswer,
};
use super::live::PipelineEvent;
use super::refusal::RefusalBody;
use super::routes::{Answered, Route, routes};

/// The data of `rows`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it only describes what `live::event` writes")]
struct RowsEvent {
    time_ns: Option<i64>,
    rows: Vec<RowAnswer<'static>>,
}

/// The data of `points`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it only describes what `live::event` writes")]
struct PointsEvent {
    rows: Vec<RowAnswer<'static>>,
}

/// The document as JSON text.
pub(crate) fn openapi_text() -> String {
    serde_json::to_string_pretty(&document()).expect("a JSON value is always JSON")
}

pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in routes() {
        let operation = operation(&route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    let events = events(&mut generator);
    paths["/api/v1/live"]["get"]["x-events"] = events;
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "stock-up",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What role `serve` answers. Prices, sizes and volumes are exact decimals and \
                therefore strings; times are integer ns since the Unix epoch.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "stock_up_session"},
            },
        },
        "security": [{}, {"token": []}, {"session": []}],
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut parameters = route
        .params
        .map(|params| parameters(&params(generator), generator))
        .unwrap_or_default();
    let error = generator.subschema_for::<RefusalBody<'_>>();
    let (status, answer) = answer(route, generator);
    let mut operation = json!({
        "summary": route.summary,
        "responses": {
            status: answer,
            "default": {
                "description": "why not",
                "content": {"application/json": {"schema": error}},
            },
        },
    });
    if let Some(body) = route.body {
        operation["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": body(generator)}},
        });
        parameters.push(json!({
            "name": "x-stock-up", "in": "header", "required": true, "schema": {"const": "1"},
        }));
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    operation
}

fn answer(route: &Route, generator: &mut SchemaGenerator) -> (&'static str, Value) {
    let content = match route.answer {
        Answered::Nothing => return ("204", json!({"description": "done"})),
        Answered::Json(describe) => json!({"application/json": {"schema": describe(generator)}}),
        Answered::Document => json!({"application/json": {"schema": {"type": "object"}}}),
        Answered::Text(kind) => json!({kind: {"schema": {"type": "string"}}}),
        Answered::Events => json!({"text/event-stream": {"schema": {"type": "string"}}}),
    };
    (
        "200",
        json!({"description": route.summary, "content": content}),
    )
}

/// The fields of the type that a query is read into, as parameters.
fn parameters(params: &Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let name = params
        .get("$ref")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let fields = generator
        .definitions()
        .get(name)
        .and_then(|schema| schema.get("properties")?.as_object());
    let parameter = |(name, schema): (&String, &Value)| {
        json!({
            "name": name,
            "in": "query",
            "description": schema.get("description"),
            "schema": {"type": "string"},
        })
    };
    fields.into_iter().flatten().map(parameter).collect()
}

fn events(generator: &mut SchemaGenerator) -> Value {
    json!({
        "snapshot": generator.subschema_for::<SymbolsAnswer<'_>>(),
        "rows": generator.subschema_for::<RowsEvent>(),
        "points": generator.subschema_for::<PointsEvent>(),
        "feed": generator.subschema_for::<FeedAnswer<'_>>(),
        "gap": generator.subschema_for::<GapAnswer<'_>>(),
        "settings": generator.subschema_for::<SettingsAnswer>(),
        "followed": generator.subschema_for::<FollowedAnswer<'_>>(),
        "pipeline": generator.subschema_for::<PipelineEvent>(),
    })
}
