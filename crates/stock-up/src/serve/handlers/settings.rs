//! What can be changed while running.

use std::io::{self, ErrorKind};

use axum::extract::State;
use axum::http::StatusCode;
use stock_up_io::settings::{Settings, SettingsFileError};

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
    if app.settings_elsewhere() && !changes_level_alone(&wanted, &now.settings) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "settings_elsewhere",
            "this process only follows the queue: change symbols and windows where `collect` runs, \
             or keep the settings of all roles in etcd",
        ));
    }
    let written = app.settings().write(change.revision, wanted).await;
    written
        .map(|state| Answer((&state).into()))
        .map_err(refusal)
}

/// Whether the log level becomes another one, and nothing else.
fn changes_level_alone(wanted: &Settings, now: &Settings) -> bool {
    let level_alone = Settings {
        log_level: wanted.log_level,
        ..now.clone()
    };
    wanted.log_level != now.log_level && *wanted == level_alone
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
        SettingsFileError::Write { ref source, .. } if is_full(source) => Refusal::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "no_space",
            format!("{why}: {source}; free some space and try again; the old settings stay"),
        ),
        SettingsFileError::Read { .. } | SettingsFileError::Write { .. } => {
            Refusal::internal("writing the settings", &why.into())
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn status_of_write_error(kind: ErrorKind) -> (StatusCode, String) {
        let refused = refusal(SettingsFileError::Write {
            path: "/data/settings.toml".into(),
            source: kind.into(),
        });
        let body = refused.body_text();
        (refused.into_response().status(), body)
    }

    #[test]
    fn a_full_device_is_no_fault_of_the_program() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let (status, body) = status_of_write_error(kind);
            assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
            for part in ["no_space", "/data/settings.toml", "the old settings stay"] {
                assert!(body.contains(part), "{body}");
            }
        }
        let (status, _) = status_of_write_error(ErrorKind::PermissionDenied);
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
