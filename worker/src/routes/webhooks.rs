//! `POST /webhooks`: an event of Smartcar's. It is durable before it is answered; everything else comes after the answer.

use smartcar_connect::{
    edge::{Answer, InboxReply, Problem, answer_webhook},
    http_api::ProblemCode,
    time::Millis,
};

use crate::{context::RequestContext, http, http::HttpResponse, inbox_client};

/// The body of the answer to an event: Smartcar looks at the status alone.
const ACKNOWLEDGED: &str = "{}";

pub(crate) async fn receive(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    let settings = context.config.webhooks.as_ref();
    let body = match settings {
        Some(_) => http::webhook_body(context.request).await?,
        None => Vec::new().into(),
    };
    match answer_webhook(settings, &body, context.head.sc_signature(), context.now)? {
        Answer::Challenge(answer) => Ok(HttpResponse::json_text(answer)),
        Answer::Keep(event) => match inbox_client::give(context.env, &event).await {
            InboxReply::Kept | InboxReply::Repeated | InboxReply::NotWanted => {
                Ok(HttpResponse::json_text(ACKNOWLEDGED.to_owned()))
            }
            InboxReply::Failed => {
                let detail = "the event could not be kept; send it again";
                Err(Problem::new(ProblemCode::StorageUnavailable, detail).with_retry_after(Millis::from_secs(1)))
            }
        },
    }
}
