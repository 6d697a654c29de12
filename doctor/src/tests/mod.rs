//! A deployment with nothing wrong, and each fault alone.

use std::collections::BTreeMap;

use crate::{Command, Deployment, Finding, Mark, Secrets, Syntax, documented, examine};

const GOOD: &str = include_str!("good.toml");
const REDIRECT_URIS: [&str; 2] = [
    "https://app.example.com/cars",
    "https://www.example.com/cars?from=connect",
];

fn deployed() -> Secrets {
    Secrets::Deployed(vec!["SMARTCAR_CLIENT_SECRET".to_owned(), "SEALING_KEYS".to_owned()])
}

fn deployment(wrangler: &str) -> Deployment {
    Deployment {
        wrangler: toml::from_str(wrangler).unwrap(),
        syntax: Syntax::Toml,
        command: Command::Make,
        secrets: deployed(),
        redirect_uris: REDIRECT_URIS.map(str::to_owned).to_vec(),
    }
}

fn marked(findings: &[Finding], mark: Mark) -> Vec<String> {
    let marked = findings.iter().filter(|finding| finding.mark == mark);
    marked.map(|finding| finding.to_string()).collect()
}

#[test]
fn nothing_is_wrong_with_a_good_deployment() {
    let findings = examine(&deployment(GOOD));
    assert_eq!(marked(&findings, Mark::Bad), [""; 0]);
    assert_eq!(marked(&findings, Mark::Note), [""; 0]);
    let good = marked(&findings, Mark::Good);
    for about in [
        "VAULT",
        "APPLICATION_TOKEN",
        "TOKENS",
        "migrations",
        "SMARTCAR_CLIENT_SECRET",
        "SESSION_DAYS",
        "redirect URI",
        "assets",
    ] {
        assert!(good.iter().any(|line| line.contains(about)), "{about}: {good:#?}");
    }
}

#[test]
fn each_fault_is_found_and_said_what_to_do_about() {
    for (from, to, line) in [
        ("2026-10-23", "soon", "✗ compatibility_date: is missing or no date"),
        (r#"name = "VAULT""#, r#"name = "SAFE""#, "✗ VAULT: is not bound"),
        (
            r#"class_name = "Vault""#,
            r#"class_name = "Safe""#,
            "✗ VAULT: is bound to another class",
        ),
        (
            "new_sqlite_classes",
            "new_classes",
            "✗ migrations: create `Vault` without SQLite",
        ),
        (
            r#"classes = ["Vault"]"#,
            "classes = []",
            "✗ migrations: do not create `Vault`",
        ),
        (
            r#"classes = ["ApplicationToken"]"#,
            "classes = []",
            "✗ APPLICATION_TOKEN: is created by no migration",
        ),
        (r#"binding = "TOKENS""#, r#"binding = "KV""#, "✗ TOKENS: is not bound"),
        ("id = \"0f2ac74b498b48028cb68387c421e279\"", "", "– TOKENS: has no `id`"),
        (r#"["*/10 * * * *"]"#, "[]", "✗ triggers: have no cron"),
        (
            r#"namespace_id = "1001""#,
            r#"namespace_id = "mine""#,
            "✗ FINISH_LIMIT: has no `namespace_id`",
        ),
        ("period = 60", "period = 30", "✗ FINISH_LIMIT: needs `simple"),
        (
            "8229df9f-",
            "client_",
            "✗ SMARTCAR_CLIENT_ID: is the id of an API credential",
        ),
        (
            "SESSION_DAYS = 30",
            "SESSION_DAYS = 500",
            "✗ SESSION_DAYS: is no whole number from 1 to 400",
        ),
        (
            "SESSION_DAYS = 30",
            "SESION_DAYS = 30",
            "✗ SESION_DAYS: is read by nothing",
        ),
        (
            "SESSION_DAYS = 30",
            "SERVICE_KEYS = \"5f0c81d2a97b4e36180f2dc4b6e97a53\"",
            "✗ SERVICE_KEYS: stands in `[vars]`",
        ),
        (
            "SESSION_DAYS = 30",
            "PATH_PREFIX = \"cars\"",
            "✗ PATH_PREFIX: is no path prefix",
        ),
        (
            "SESSION_DAYS = 30",
            "PATH_PREFIX = \"/cars\"",
            "✗ routes: `/smartcar/*` leaves out `PATH_PREFIX`: end the pattern with `/cars/*`",
        ),
        (
            "SESSION_DAYS = 30",
            "PATH_PREFIX = \"/cars\"",
            "✗ assets: may stand before the Worker's routes: add `run_worker_first = [\"/cars/*\"]`",
        ),
        (
            "SESSION_DAYS = 30",
            "SMARTCAR_AUTH_ORIGIN = \"http://localhost:9191\"",
            "✗ SMARTCAR_AUTH_ORIGIN: is http://localhost:9191, not Smartcar",
        ),
        ("run_worker_first = [\"/smartcar/*\"]", "", "✗ assets: may stand before"),
        (
            "https://www.example.com",
            "https://www.example.org",
            "✗ ALLOWED_ORIGINS, https://www.example.org: is not of one site",
        ),
        (
            "https://www.example.com",
            "https://shop.example.com",
            "✗ redirect URI https://www.example.com/cars?from=connect: is on neither",
        ),
        (
            "routes = [{ pattern = \"app.example.com/smartcar/*\", zone_name = \"example.com\" }]",
            "",
            "✗ routes: there is none, and `workers_dev` is off",
        ),
        ("workers_dev = false", "", "– workers_dev: is on"),
        (
            "name = \"FINISH_LIMIT\"",
            "name = \"OTHER\"",
            "– FINISH_LIMIT: is not bound",
        ),
        (
            "app.example.com/smartcar",
            "*.example.com/smartcar",
            "– routes: `*.example.com/smartcar/*` is more than one host",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let findings = examine(&deployment(&GOOD.replace(from, to)));
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(
            said.iter().any(|said| said.trim_start().starts_with(line)),
            "{line}: {said:#?}"
        );
    }
}

#[test]
fn a_domain_of_its_own_reaches_the_worker_at_any_path() {
    let own = GOOD.replace(
        "app.example.com/smartcar/*\", zone_name = \"example.com\"",
        "api.example.com\", custom_domain = true",
    );
    let mut own = deployment(&own);
    own.redirect_uris = vec![
        "https://www.example.com/".to_owned(),
        "https://api.example.com/".to_owned(),
    ];
    assert_eq!(marked(&examine(&own), Mark::Bad), [""; 0]);
}

#[test]
fn a_redirect_uri_that_is_none_is_found() {
    let mut bad = deployment(GOOD);
    bad.redirect_uris = vec!["http://app.example.com/cars".to_owned()];
    let said = marked(&examine(&bad), Mark::Bad);
    assert!(
        said.len() == 1 && said[0].contains("redirect URI http://app.example.com/cars: "),
        "{said:#?}"
    );
}

#[test]
fn secrets_are_looked_for_by_name() {
    let mut without = deployment(GOOD);
    without.secrets = Secrets::Deployed(vec!["SMARTCAR_CLIENT_SECRET".to_owned()]);
    let said = marked(&examine(&without), Mark::Bad);
    assert!(
        said.len() == 1 && said[0].contains("SEALING_KEYS: is missing: set it by `wrangler secret put"),
        "{said:#?}"
    );

    without.secrets = Secrets::Deployed(
        ["SMARTCAR_CLIENT_SECRET", "SEALING_KEYS", "SEALING_KEY"]
            .map(str::to_owned)
            .to_vec(),
    );
    let said = marked(&examine(&without), Mark::Bad);
    assert!(
        said.len() == 1 && said[0].contains("SEALING_KEY: is read by nothing"),
        "{said:#?}"
    );

    without.secrets = Secrets::Unknown("no network".to_owned());
    let findings = examine(&without);
    assert_eq!(marked(&findings, Mark::Bad), [""; 0]);
    assert!(marked(&findings, Mark::Note)[0].contains("secrets: could not be listed (no network)"));
    assert!(
        !marked(&findings, Mark::Good)
            .iter()
            .any(|line| line.contains("SEALING_KEYS")),
        "it was not seen"
    );
}

#[test]
fn every_secret_can_be_stood_in_for() {
    let secrets = documented::names_of("secret");
    assert!(secrets.len() > 2, "{secrets:?}");
    let with_tokens = GOOD.replace(
        "[vars]",
        "[vars]\nJWT_ISSUER = \"https://log-in.example\"\nJWT_AUDIENCE = \"cars\"\n\
         WEBHOOK_FORWARD_URL = \"https://app.example.com/events\"\nSMARTCAR_API_CLIENT_ID = \"client_1\"",
    );
    let with_inbox = "\n[[durable_objects.bindings]]\nname = \"WEBHOOK_INBOX\"\nclass_name = \"WebhookInbox\"\n\
                      [[migrations]]\ntag = \"v2\"\nnew_sqlite_classes = [\"WebhookInbox\"]\n";
    let mut all = deployment(&(with_tokens + with_inbox));
    all.secrets = Secrets::Deployed(secrets.iter().map(|name| (*name).to_owned()).collect());
    let findings = examine(&all);
    assert_eq!(marked(&findings, Mark::Bad), [""; 0]);
    let good = marked(&findings, Mark::Good);
    for name in secrets {
        assert!(
            good.iter().any(|line| line.contains(&format!("{name}: is set"))),
            "{name}"
        );
    }
}

#[test]
fn locally_the_values_count_and_the_rest_is_as_it_came() {
    let bare = include_str!("../../../wrangler.toml");
    let values = |key: &str| {
        let pairs = [
            ("SMARTCAR_CLIENT_ID", "11111111-2222-4333-8444-555555555555"),
            ("SMARTCAR_CLIENT_SECRET", "simulator-client-secret"),
            ("SEALING_KEYS", key),
            ("SMARTCAR_AUTH_ORIGIN", "http://localhost:9191"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    };
    let local = |key: &str| Deployment {
        wrangler: toml::from_str(bare).unwrap(),
        syntax: Syntax::Toml,
        command: Command::Make,
        secrets: Secrets::Local(values(key)),
        redirect_uris: vec!["http://localhost:8787/".to_owned()],
    };
    let findings = examine(&local("local:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
    assert_eq!(marked(&findings, Mark::Bad), [""; 0]);
    let said = marked(&examine(&local("local:c2hvcnQ=")), Mark::Bad);
    assert!(
        said.len() == 1 && said[0].contains("SEALING_KEYS: is unusable"),
        "{said:#?}"
    );
}

#[test]
fn webhooks_need_their_inbox_and_nothing_else_does() {
    let about = |findings: &[Finding]| {
        let lines = findings
            .iter()
            .map(|finding| finding.to_string().trim_start().to_owned());
        let of_inbox: Vec<String> = lines.filter(|line| line.contains("WEBHOOK_INBOX")).collect();
        of_inbox.join("\n")
    };
    let with_token = |wrangler: &str| {
        let mut one = deployment(wrangler);
        one.secrets = Secrets::Deployed(
            ["SMARTCAR_CLIENT_SECRET", "SEALING_KEYS", "SMARTCAR_MANAGEMENT_TOKEN"]
                .map(str::to_owned)
                .to_vec(),
        );
        about(&examine(&one))
    };
    assert_eq!(about(&examine(&deployment(GOOD))), "");
    assert!(with_token(GOOD).starts_with("✗ WEBHOOK_INBOX: is not bound"));
    let of = |class: &str| {
        format!("{GOOD}\n[[durable_objects.bindings]]\nname = \"WEBHOOK_INBOX\"\nclass_name = \"{class}\"\n")
    };
    assert!(with_token(&of("Vault")).starts_with("✗ WEBHOOK_INBOX: is bound to another class"));
    assert!(with_token(&of("WebhookInbox")).starts_with("✗ WEBHOOK_INBOX: is created by no migration"));
    let created = of("WebhookInbox") + "\n[[migrations]]\ntag = \"v2\"\nnew_sqlite_classes = [\"WebhookInbox\"]\n";
    assert!(with_token(&created).starts_with("✓ WEBHOOK_INBOX"));
}

#[test]
fn the_secret_of_what_the_app_receives_is_judged_beside_its_address_alone() {
    let mut unknown = deployment(GOOD);
    unknown.secrets = Secrets::Unknown("offline".to_owned());
    assert_eq!(marked(&examine(&unknown), Mark::Bad), [""; 0]);
    let forwarded = GOOD.replace(
        "[vars]",
        "[vars]\nWEBHOOK_FORWARD_URL = \"https://app.example.com/events\"",
    );
    unknown.wrangler = toml::from_str(&forwarded).unwrap();
    assert_eq!(marked(&examine(&unknown), Mark::Bad), [""; 0]);
}

#[test]
fn the_configuration_in_json_is_read_alike_and_its_remedies_are_in_json() {
    let template = include_str!("../../../pkg-template/template/wrangler.jsonc");
    let judged = |text: &str| {
        examine(&Deployment {
            wrangler: Syntax::Jsonc.read(text).unwrap(),
            syntax: Syntax::Jsonc,
            command: Command::Npx,
            secrets: Secrets::Deployed(
                ["SMARTCAR_CLIENT_SECRET", "SEALING_KEYS", "SMARTCAR_MANAGEMENT_TOKEN"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            redirect_uris: Vec::new(),
        })
    };
    let template = template.replace(
        "\"SMARTCAR_CLIENT_ID\": \"\"",
        "\"SMARTCAR_CLIENT_ID\": \"8229df9f-91a0-4ff0-a1ae-a1f38ee24d07\", \"SESSION_DAYS\": 30, \"JWT_TYP\": null",
    );
    assert_eq!(marked(&judged(&template), Mark::Bad), [""; 0]);
    for (from, to, line) in [
        (
            "\"name\": \"VAULT\"",
            "\"name\": \"SAFE\"",
            "✗ VAULT: is not bound: add `{ \"name\": \"VAULT\", \"class_name\": \"Vault\" }` to the list `durable_objects.bindings`",
        ),
        (
            "\"class_name\": \"Vault\"",
            "\"class_name\": \"Safe\"",
            "✗ VAULT: is bound to another class: give it `\"class_name\": \"Vault\"`",
        ),
        (
            "\"new_sqlite_classes\": [\"WebhookInbox\"]",
            "\"new_sqlite_classes\": []",
            "✗ WEBHOOK_INBOX: is created by no migration: add `{ \"tag\": \"a new one\", \"new_sqlite_classes\": [\"WebhookInbox\"] }`",
        ),
        (
            "\"binding\": \"TOKENS\"",
            "\"binding\": \"KV\"",
            "✗ TOKENS: is not bound: add `{ \"binding\": \"TOKENS\" }` to the list `kv_namespaces`",
        ),
        (
            "\"*/10 * * * *\"",
            "",
            "✗ triggers: have no cron: add `triggers` with `\"crons\": [\"*/10 * * * *\"]`",
        ),
        (
            "\"limit\": 300, \"period\": 60",
            "\"limit\": 300",
            "✗ FINISH_LIMIT: needs `\"simple\": { \"limit\": 100, \"period\": 60 }`",
        ),
        (
            "\"SESSION_DAYS\": 30",
            "\"SESSION_DAYS\": 500",
            "✗ SESSION_DAYS: is no whole number",
        ),
        (
            "\"SESSION_DAYS\": 30",
            "\"SEALING_KEYS\": \"k1:x\"",
            "✗ SEALING_KEYS: stands in `vars`",
        ),
        (
            "\"observability\":",
            "\"assets\": { \"directory\": \"dist\" }, \"observability\":",
            "✗ assets: may stand before the Worker's routes: add `\"run_worker_first\": [\"/smartcar/*\"]`",
        ),
    ] {
        assert!(template.contains(from), "{from}");
        let findings = judged(&template.replace(from, to));
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(
            said.iter().any(|said| said.trim_start().starts_with(line)),
            "{line}: {said:#?}"
        );
    }
    for (text, said) in [("[]", "no object"), ("{ \"name\": }", "line 1"), ("", "no object")] {
        let error = Syntax::Jsonc.read(text).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
