# SPDX-License-Identifier: BSD-2-Clause
"""Ask CloudWatch with boto3, and print what the answer was taken for.

    cloudwatch.py ENDPOINT dummy|unsigned
"""

import datetime
import json
import sys

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)


def main():
    endpoint, how = sys.argv[1:]
    cloudwatch = boto3.client(
        "cloudwatch", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="AKIDNOBODY", aws_secret_access_key="nothing",
        config=Config(signature_version=botocore.UNSIGNED
                      if how == "unsigned" else "v4",
                      retries={"max_attempts": 0}))

    try:
        data = cloudwatch.get_metric_data(
            StartTime=START, EndTime=END, MetricDataQueries=[
                {"Id": "m1", "Expression":
                 "SEARCH('{AWS/EC2,InstanceId} CPU é+%', 'Average', 300)"}])
        result = data["MetricDataResults"][0]
        print(json.dumps([result["Label"], result["Values"]]))

        put = cloudwatch.put_metric_data(Namespace="App/é + &", MetricData=[
            {"MetricName": "latency", "Value": 1.5, "Unit": "Milliseconds",
             "Timestamp": START,
             "Dimensions": [{"Name": "path", "Value": "/a b?c=d&e"}]}])
        print(put["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        print(error.response["Error"]["Code"],
              error.response["ResponseMetadata"]["HTTPStatusCode"])


if __name__ == "__main__":
    main()
