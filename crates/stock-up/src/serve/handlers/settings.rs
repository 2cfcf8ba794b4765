//! What can be changed while running.

use axum::extract::State;
use axum::http::StatusCode;
use stock_up_io::settings::SettingsFileError;

use super::market::NoParams;
use crate::serve::App;
use crate::serve::answers::{SettingsAnswer, SettingsChange};
use crate::serve::query::Query;
use crate::serve::refusal::{Answer, Refusal};
use crate::serve::request::Change;

pub(in crate::serve) async fn settings(
    State(app): State<App>,
    Query(NoParams {}): Query<NoParams>,
) -> Answer<SettingsAnswer> {
    Answer((&app.settings().current()).into())
}

pub(in crate::serve) async fn change_settings(
    State(app): State<App>,
    Query(NoParams {}): Query<NoParams>,
    Change(change): Change<SettingsChange>,
) -> Result<Answer<SettingsAnswer>, Refusal> {
    let now = app.settings().current();
    let wanted = change.settings.into_settings(&now.settings);
    let wanted = wanted.map_err(|detail| invalid(&detail))?;
    let written = app.settings().write(change.revision, wanted).await;
    written
        .map(|state| Answer((&state).into()))
        .map_err(refusal)
}

fn invalid(detail: &str) -> Refusal {
    Refusal::bad_request("bad_settings", format!("{detail}; the old settings stay"))
}

fn refusal(why: SettingsFileError) -> Refusal {
    match why {
        SettingsFileError::Invalid { problem, .. } => invalid(&problem.to_string()),
        SettingsFileError::Conflict { .. } => {
            Refusal::new(StatusCode::CONFLICT, "conflict", why.to_string())
        }
        SettingsFileError::Ended => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Refusal::new(status, "stopping", why.to_string())
        }
        SettingsFileError::Remote { .. } => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Refusal::new(status, "settings_source", why.to_string())
        }
        SettingsFileError::Read { .. } | SettingsFileError::Write { .. } => {
            Refusal::internal("writing the settings", &why.into())
        }
    }
}
