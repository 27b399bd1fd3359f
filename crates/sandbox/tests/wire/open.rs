//! A sandbox that lets everybody in, and one that does not.
use crate::client::{Client, Reply};
use provision_sandbox::{Credential, Sandbox, Settings};

const GUEST: &str = "arn:aws:iam::210987654321:role/team/guest";

fn start(open: bool) -> Sandbox {
    Sandbox::start(Settings { open, lags: false, ..Settings::default() }).expect("it starts")
}

fn assume(client: &Client, role: &str) -> Reply {
    let form = format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=visit&ExternalId=word");
    client.form("sts", &form)
}

#[test]
fn a_role_that_there_is_not_is_made_when_it_is_taken_on() {
    let sandbox = start(true);
    let client = Client::of(&sandbox);
    let first = assume(&client, GUEST);
    assert_eq!(
        first.element("Arn"),
        "arn:aws:sts::210987654321:assumed-role/guest/visit",
        "{}",
        first.body
    );
    let again = assume(&client, GUEST);
    assert_eq!(again.element("AssumedRoleId"), first.element("AssumedRoleId"));
    for elsewhere in ["arn:aws-cn:iam::210987654321:role/guest", "arn:aws:iam::2:role/guest"] {
        assert_eq!(assume(&client, elsewhere).element("Code"), "AccessDenied", "{elsewhere}");
    }
    let closed = start(false);
    assert_eq!(assume(&Client::of(&closed), GUEST).element("Code"), "AccessDenied");
}

#[test]
fn every_account_has_its_key() {
    let account = "210987654321";
    let whoami = |open| {
        let sandbox = start(open);
        let Credential { id, secret, .. } = Credential::of_account(account);
        let mut client = Client::of(&sandbox);
        client.key = (id, secret);
        let reply = client.form("sts", "Action=GetCallerIdentity");
        (reply.element("Account").to_owned(), reply.element("Code").to_owned())
    };
    assert_eq!(whoami(true), (account.to_owned(), String::new()));
    assert_eq!(whoami(false), (String::new(), "InvalidClientTokenId".to_owned()));
}
