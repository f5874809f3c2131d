#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Print the CPU load of all EC2 instances in the last hour.

    metrics.py [http://127.0.0.1:8080]

The requests go to the gateway of nginx.conf, which signs them: this program
has no AWS keys.
"""

import datetime
import sys

import boto3
import botocore
from botocore.config import Config

GATEWAY = "http://127.0.0.1:8080"
CPU = ("SEARCH('{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"', "
       "'Average', 300)")


def main():
    gateway = sys.argv[1] if len(sys.argv) > 1 else GATEWAY
    cloudwatch = boto3.client(
        "cloudwatch", endpoint_url=gateway, region_name="us-east-1",
        config=Config(signature_version=botocore.UNSIGNED))

    now = datetime.datetime.now(datetime.timezone.utc)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        StartTime=now - datetime.timedelta(hours=1), EndTime=now,
        MetricDataQueries=[{"Id": "cpu", "Expression": CPU}])

    for page in pages:
        for series in page["MetricDataResults"]:
            print(series["Label"])
            for time, value in zip(series["Timestamps"], series["Values"]):
                print(f"    {time:%H:%M}  {value:.1f} %")


if __name__ == "__main__":
    main()
