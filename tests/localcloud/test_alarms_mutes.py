"""Alarm mute rules: what they mute, and what says so.

AWS: AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html
Model: cloudwatch.PutAlarmMuteRule
Model: cloudwatch.ListAlarmMuteRules
Model: cloudwatch.DeleteAlarmMuteRule
"""

import json
from datetime import datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.localcloud.machines import create_queue, receive
from tests.localcloud.monitoring import listen, now, publish, put_alarm, reach


def mute(client: Any, name: str, *alarms: str, at: datetime, minutes: int = 60) -> None:
    """A rule whose only window opens at that minute."""
    client("cloudwatch").put_alarm_mute_rule(
        Name=name,
        Rule={"Schedule": {"Expression": f"at({at:%Y-%m-%dT%H:%M})", "Duration": f"PT{minutes}M"}},
        MuteTargets={"AlarmNames": list(alarms)},
    )


def status(client: Any, name: str) -> str:
    found: str = client("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=name)["Status"]
    return found


def listed(client: Any, **given: Any) -> list[str]:
    answer = client("cloudwatch").list_alarm_mute_rules(**given)
    return [one["AlarmMuteRuleArn"].rsplit(":", 1)[-1] for one in answer["AlarmMuteRuleSummaries"]]


def test_a_rule_is_scheduled_then_active_then_expired(client: Any, unique: str) -> None:
    moment = now(client, unique)
    for name, hours in (("later", 2), ("open", 0), ("over", -2)):
        mute(client, f"{unique}-{name}", unique, at=moment + timedelta(hours=hours))

    found = {name: status(client, f"{unique}-{name}") for name in ("later", "open", "over")}

    assert found == {"later": "SCHEDULED", "open": "ACTIVE", "over": "EXPIRED"}
    assert listed(client, AlarmName=unique, Statuses=["ACTIVE"]) == [f"{unique}-open"]
    assert listed(client, AlarmName=f"{unique}-other") == []
    assert len(listed(client, AlarmName=unique, MaxRecords=2)) == 2


def test_a_recurring_rule_is_active_in_each_window(client: Any, unique: str) -> None:
    cloudwatch, moment = client("cloudwatch"), now(client, unique)
    begins = moment - timedelta(minutes=30)
    schedule = {"Expression": f"cron({begins.minute} {begins.hour} * * *)", "Duration": "PT1H"}
    cloudwatch.put_alarm_mute_rule(Name=unique, Rule={"Schedule": schedule})

    found = cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName=unique)

    assert (found["Status"], found["MuteType"]) == ("ACTIVE", "RECURRING")
    assert found["Rule"]["Schedule"] == schedule


def test_a_muted_alarm_tells_events_and_takes_no_action(client: Any, unique: str) -> None:
    """Muting does not stop EventBridge events; they carry `muteDetail` (alarm-mute-rules)."""
    fired = {"alarmName": [unique], "state": {"value": ["ALARM"]}}
    told = listen(client, f"{unique}-events", {"source": ["aws.cloudwatch"], "detail": fired})
    acted = create_queue(client, f"{unique}-acted")
    topic = client("sns").create_topic(Name=unique)["TopicArn"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{unique}-acted"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    client("sqs").set_queue_attributes(QueueUrl=acted, Attributes={"Policy": policy})
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    put_alarm(client, unique, namespace=unique, AlarmActions=[topic], TreatMissingData="ignore")
    mute(client, unique, unique, at=now(client, unique))

    publish(client, unique, 5.0)
    reach(client, unique, "ALARM")

    event = receive(client, told)
    assert event["detail"]["muteDetail"]["mutedByArn"].endswith(f":alarm-mute-rule:{unique}")
    assert "Messages" not in client("sqs").receive_message(QueueUrl=acted)

    client("cloudwatch").delete_alarm_mute_rule(AlarmMuteRuleName=unique)
    assert receive(client, acted), "what was held back is done when the mute ends"


def test_answers_have_no_member_that_the_service_model_does_not_know(
    client: Any, unique: str
) -> None:
    mute(client, unique, unique, at=now(client, unique))
    model = botocore.session.get_session().get_service_model("cloudwatch")
    answers = {
        "GetAlarmMuteRule": client("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=unique),
        "ListAlarmMuteRules": client("cloudwatch").list_alarm_mute_rules(AlarmName=unique),
    }

    for operation, answer in answers.items():
        shape = model.operation_model(operation).output_shape
        assert answer.keys() - {"ResponseMetadata"} <= shape.members.keys()
    assert isinstance(answers["GetAlarmMuteRule"]["LastUpdatedTimestamp"], datetime)


@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param({"Expression": "rate(1 hour)", "Duration": "PT1H"}, id="no such expression"),
        pytest.param({"Expression": "cron(0 2 * * *)", "Duration": "P16D"}, id="too long"),
        pytest.param({"Expression": "cron(0 2 * * *)", "Duration": "PT0M"}, id="too short"),
        pytest.param(
            {"Expression": "cron(0 2 * * *)", "Duration": "PT1H", "Timezone": "Nowhere/Land"},
            id="no such time zone",
        ),
    ],
)
def test_a_schedule_that_means_nothing_is_refused(
    client: Any, unique: str, schedule: dict[str, str]
) -> None:
    with pytest.raises(ClientError):
        client("cloudwatch").put_alarm_mute_rule(Name=unique, Rule={"Schedule": schedule})


def test_a_rule_that_does_not_exist_is_told_as_such_and_deleted_all_the_same(
    client: Any, unique: str
) -> None:
    with pytest.raises(ClientError) as refused:
        client("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=unique)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"

    client("cloudwatch").delete_alarm_mute_rule(AlarmMuteRuleName=unique)
