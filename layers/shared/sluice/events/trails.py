"""`AWS API Call via CloudTrail`: who wrote an object of the inbox, who set a package's approval.

Of S3 these are data events, which a trail must be told to log; `key` and `bucketName` stand in
`requestParameters`, of a copy the destination's; the version in `responseElements` under
`x-amz-version-id`; `requestID` is the id that S3's own event has as `request-id` (S3 user guide,
"CloudTrail log file entries for Amazon S3" and "Event message structure"; EventBridge reference,
"Amazon S3 events delivered via AWS CloudTrail"). SageMaker's `requestParameters` are spelled in
camel case (SageMaker developer guide, "Logging SageMaker API calls with CloudTrail"). A call that
failed has an `errorCode`. `userIdentity`: CloudTrail user guide, "userIdentity element".
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sluice.domain.release import ApprovalStatus
from sluice.domain.trail import Actor, Trail

DETAIL_TYPE = "AWS API Call via CloudTrail"
_WRITING = {"PutObject", "CompleteMultipartUpload", "CopyObject"}

type _Short = Annotated[str, Field(max_length=128)]
type _Long = Annotated[str, Field(max_length=2048)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Issuer(_Part):
    arn: _Long = ""


class _Session(_Part):
    issuer: Annotated[_Issuer, Field(alias="sessionIssuer")] = _Issuer()
    source_identity: Annotated[_Short, Field(alias="sourceIdentity")] = ""


class _Identity(_Part):
    arn: _Long = ""
    invoked_by: Annotated[_Long, Field(alias="invokedBy")] = ""
    principal_id: Annotated[_Long, Field(alias="principalId")] = ""
    account_id: Annotated[_Short, Field(alias="accountId")] = ""
    session: Annotated[_Session, Field(alias="sessionContext")] = _Session()

    @property
    def actor(self) -> Actor:
        """Who it is: other accounts' principals have no ARN here, services have their name."""
        of_account = "/".join(filter(None, (self.account_id, self.principal_id)))
        return Actor(
            name=self.arn or self.invoked_by or of_account or "unknown",
            role=self.session.issuer.arn,
            source_identity=self.session.source_identity,
        )


class _Asked(_Part):
    bucket: Annotated[_Short, Field(alias="bucketName")] = ""
    key: _Long = ""
    package_arn: Annotated[_Long, Field(alias="modelPackageArn")] = ""
    status: Annotated[ApprovalStatus | None, Field(alias="modelApprovalStatus")] = None


class _Answered(_Part):
    version_id: Annotated[_Long, Field(alias="x-amz-version-id")] = ""


class _Record(_Part):
    event_id: Annotated[_Short, Field(alias="eventID", min_length=1)]
    at: Annotated[datetime, Field(alias="eventTime")]
    call: Annotated[_Short, Field(alias="eventName")]
    request_id: Annotated[_Short, Field(alias="requestID")] = ""
    identity: Annotated[_Identity, Field(alias="userIdentity")]
    asked: Annotated[_Asked, Field(alias="requestParameters")]
    answered: Annotated[_Answered | None, Field(alias="responseElements")] = None
    error: Annotated[_Short, Field(alias="errorCode")] = ""

    @model_validator(mode="after")
    def _tells_of_something(self) -> _Record:
        if self.error:
            raise ValueError("the call failed")
        wrote = self.call in _WRITING and self.asked.key
        decided = self.call == "UpdateModelPackage" and self.asked.package_arn
        if not (wrote or (decided and self.asked.status)):
            raise ValueError("it wrote no object and decided on no package")
        return self


class CallRecorded(_Part):
    """One event of CloudTrail on the bus."""

    source: Literal["aws.s3", "aws.sagemaker"]
    detail_type: Annotated[Literal["AWS API Call via CloudTrail"], Field(alias="detail-type")]
    account: str
    region: str
    detail: _Record

    @property
    def trail(self) -> Trail:
        """The call in our words."""
        record, asked = self.detail, self.detail.asked
        return Trail(
            event_id=record.event_id,
            call=record.call,
            at=record.at,
            actor=record.identity.actor,
            bucket=asked.bucket,
            key=asked.key,
            version_id=record.answered.version_id if record.answered else "",
            request_id=record.request_id,
            package_arn=asked.package_arn,
            status=asked.status,
        )
