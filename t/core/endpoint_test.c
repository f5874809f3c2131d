
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Host names and what they are signed for, by hand.  t/endpoint.t compares
 * with every host that botocore knows.
 */


#include "guard.h"
#include "sigv4_endpoint.h"
#include "sigv4_endpoint_parts.h"
#include "tap.h"


typedef struct {
    const char  *host;
    const char  *service;   /* NULL: the host is not known */
    const char  *region;
    const char  *flags;     /* e: exact, a: asymmetric */
} endpoint_case_t;


static void test_table(void);
static void test_hosts(void);
static void test_lengths(void);
static void test_bytes(void);
static int unknown(const char *data, size_t len);
static int lookup(const char *data, size_t len, sigv4_endpoint_t *ep);
static void move_back(sigv4_str_t *str, sigv4_str_t copy, const char *data);
static int equals(sigv4_str_t s, const char *text);


static const endpoint_case_t  cases[] = {

    /* S3 */

    { "s3.us-east-1.amazonaws.com", "s3", "us-east-1", "e" },
    { "s3.eu-central-1.amazonaws.com", "s3", "eu-central-1", "e" },
    { "bucket.s3.eu-central-1.amazonaws.com", "s3", "eu-central-1", "e" },
    { "a.bucket.with.dots.s3.eu-central-1.amazonaws.com",
      "s3", "eu-central-1", "e" },
    { "old_bucket.s3.us-west-1.amazonaws.com", "s3", "us-west-1", "e" },
    { "s3.amazonaws.com", "s3", "us-east-1", "e" },
    { "bucket.s3.amazonaws.com", "s3", "us-east-1", "e" },
    { "logs.us-west-2.s3.amazonaws.com", "s3", "us-east-1", "e" },
    { "s3-external-1.amazonaws.com", "s3", "us-east-1", "e" },
    { "bucket.s3-external-1.amazonaws.com", "s3", "us-east-1", "e" },
    { "s3-us-west-2.amazonaws.com", "s3", "us-west-2", "e" },
    { "bucket.s3-us-west-2.amazonaws.com", "s3", "us-west-2", "e" },
    { "my.bucket.s3-us-gov-west-1.amazonaws.com", "s3", "us-gov-west-1", "e" },
    { "s3-fips-us-gov-west-1.amazonaws.com", "s3", "us-gov-west-1", "e" },
    { "s3-fips.us-gov-west-1.amazonaws.com", "s3", "us-gov-west-1", "e" },
    { "s3-fips.dualstack.us-east-2.amazonaws.com", "s3", "us-east-2", "e" },
    { "bucket.s3.dualstack.ap-south-2.amazonaws.com", "s3", "ap-south-2", "e" },
    { "s3.dualstack.amazonaws.com", "s3", "us-east-1", "e" },
    { "bucket.s3-accelerate.amazonaws.com", "s3", "", "e" },
    { "bucket.s3-accelerate.dualstack.amazonaws.com", "s3", "", "e" },
    { "s3.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1", "e" },
    { "bucket.s3.cn-northwest-1.amazonaws.com.cn",
      "s3", "cn-northwest-1", "e" },
    { "s3.eusc-de-east-1.amazonaws.eu", "s3", "eusc-de-east-1", "e" },
    { "s3.us-iso-east-1.c2s.ic.gov", "s3", "us-iso-east-1", "e" },
    { "fips.s3.us-east-1.amazonaws.com", "s3", "us-east-1", "e" },
    { "b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
      "s3express", "us-east-1", "e" },
    { "b--x-s3.s3express-fips-use1-az4.us-east-1.amazonaws.com",
      "s3express", "us-east-1", "e" },
    { "b--x-s3.s3express-usw2-az1.dualstack.us-west-2.amazonaws.com",
      "s3express", "us-west-2", "e" },
    { "s3express-control.us-west-2.amazonaws.com",
      "s3express", "us-west-2", "e" },
    { "s3express-control-fips.us-west-2.amazonaws.com",
      "s3express", "us-west-2", "e" },
    { "ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
      "s3", "eu-west-1", "e" },
    { "ap-1.s3-accesspoint-fips.dualstack.ca-central-1.amazonaws.com",
      "s3", "ca-central-1", "e" },
    { "123456789012.s3-control.eu-west-1.amazonaws.com",
      "s3", "eu-west-1", "e" },
    { "123456789012.s3-control-fips.dualstack.us-east-1.amazonaws.com",
      "s3", "us-east-1", "e" },
    { "ol-123456789012.s3-object-lambda.eu-west-1.amazonaws.com",
      "s3-object-lambda", "eu-west-1", "e" },
    { "ap-1.op-01ac5d28a6a232904.s3-outposts.us-west-2.amazonaws.com",
      "s3-outposts", "us-west-2", "e" },
    { "s3tables.us-east-1.amazonaws.com", "s3tables", "us-east-1", "e" },
    { "s3vectors.us-east-1.api.aws", "s3vectors", "us-east-1", "e" },
    { "mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com", "s3", "*", "ea" },
    { "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com",
      "s3", "*", "ea" },
    { "bucket.s3-website-us-east-1.amazonaws.com", NULL, NULL, "" },
    { "bucket.s3-website.eu-central-1.amazonaws.com",
      "s3-website", "eu-central-1", "" },

    /* other hosts that serve several regions */

    { "abc123.4.endpoint.events.amazonaws.com", NULL, NULL, "" },
    { "abc123.endpoint.events.amazonaws.com", "events", "*", "ea" },
    { "endpoint.events.amazonaws.com", NULL, NULL, "" },
    { "abcdef.endpoints.email.amazonaws.com", "ses", "*", "ea" },
    { "abcdef.endpoints.email.global.api.aws", "ses", "*", "ea" },
    { "123456789012.cloudfront-kvs.global.api.aws",
      "cloudfront-keyvaluestore", "*", "ea" },
    { "cloudfront-kvs.global.api.aws", NULL, NULL, "" },

    /* signed as they are called */

    { "sts.us-east-1.amazonaws.com", "sts", "us-east-1", "e" },
    { "kms-fips.us-east-1.amazonaws.com", "kms", "us-east-1", "e" },
    { "logs.eu-west-3.amazonaws.com", "logs", "eu-west-3", "e" },
    { "monitoring.eu-west-1.amazonaws.com", "monitoring", "eu-west-1", "e" },
    { "xray.us-east-1.amazonaws.com", "xray", "us-east-1", "e" },
    { "lambda.eu-west-1.api.aws", "lambda", "eu-west-1", "e" },
    { "secretsmanager.il-central-1.amazonaws.com",
      "secretsmanager", "il-central-1", "e" },
    { "ssm.mx-central-1.amazonaws.com", "ssm", "mx-central-1", "e" },
    { "ec2.ap-southeast-5.amazonaws.com", "ec2", "ap-southeast-5", "e" },
    { "ec2.us-gov-east-1.api.aws", "ec2", "us-gov-east-1", "e" },
    { "resource-explorer-2-fips.us-east-1.api.aws",
      "resource-explorer-2", "us-east-1", "e" },
    { "fips.eks.us-east-1.amazonaws.com", "eks", "us-east-1", "e" },
    { "fips.batch.us-west-2.amazonaws.com", "batch", "us-west-2", "e" },
    { "fips-sqs.us-east-1.amazonaws.com", "sqs", "us-east-1", "e" },

    /* signed under another name */

    { "bedrock-runtime.us-east-1.amazonaws.com", "bedrock", "us-east-1", "e" },
    { "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
      "bedrock", "us-gov-west-1", "e" },
    { "bedrock-agent-runtime.us-west-2.amazonaws.com",
      "bedrock", "us-west-2", "e" },
    { "bedrock-data-automation-runtime.us-west-2.amazonaws.com",
      "bedrock", "us-west-2", "e" },
    { "bedrock-mantle.us-east-1.api.aws", "bedrock-mantle", "us-east-1", "e" },
    { "bedrock-agentcore.us-east-1.amazonaws.com",
      "bedrock-agentcore", "us-east-1", "e" },
    { "bedrock-agentcore-control.us-east-1.amazonaws.com",
      "bedrock-agentcore", "us-east-1", "e" },
    { "aps-workspaces.eu-central-1.amazonaws.com", "aps", "eu-central-1", "e" },
    { "aps.eu-central-1.amazonaws.com", "aps", "eu-central-1", "e" },
    { "email.us-east-1.amazonaws.com", "ses", "us-east-1", "e" },
    { "pinpoint.us-east-1.amazonaws.com", "mobiletargeting", "us-east-1", "e" },
    { "api.ecr.us-east-1.amazonaws.com", "ecr", "us-east-1", "e" },
    { "ecr-fips.us-east-1.amazonaws.com", "ecr", "us-east-1", "e" },
    { "ecr.us-east-1.api.aws", "ecr", "us-east-1", "e" },
    { "123456789012.dkr.ecr.us-east-1.amazonaws.com", "ecr", "us-east-1", "e" },
    { "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
      "ecr", "us-gov-west-1", "e" },
    { "123456789012.dkr-ecr.us-east-1.on.aws", "ecr", "us-east-1", "e" },
    { "api.ecr-public.us-east-1.amazonaws.com",
      "ecr-public", "us-east-1", "e" },
    { "streams.dynamodb.us-east-1.amazonaws.com",
      "dynamodb", "us-east-1", "e" },
    { "123456789012.ddb.us-east-1.amazonaws.com",
      "dynamodb", "us-east-1", "e" },
    { "runtime.sagemaker.us-east-1.amazonaws.com",
      "sagemaker", "us-east-1", "e" },
    { "runtime-fips.sagemaker.us-east-1.amazonaws.com",
      "sagemaker", "us-east-1", "e" },
    { "api.sagemaker.eu-west-1.amazonaws.com", "sagemaker", "eu-west-1", "e" },
    { "featurestore-runtime.sagemaker.eu-west-1.amazonaws.com",
      "sagemaker", "eu-west-1", "e" },
    { "query-cell2.timestream.us-east-1.amazonaws.com",
      "timestream", "us-east-1", "e" },
    { "ingest.timestream.us-east-1.amazonaws.com",
      "timestream", "us-east-1", "e" },
    { "transcribestreaming.us-east-1.amazonaws.com",
      "transcribe", "us-east-1", "e" },
    { "cn.transcribe.cn-north-1.amazonaws.com.cn",
      "transcribe", "cn-north-1", "e" },
    { "iot.us-east-1.amazonaws.com", "iot", "us-east-1", "e" },
    { "a1b2c3-ats.iot.us-east-1.amazonaws.com", "iotdata", "us-east-1", "e" },
    { "a1b2c3.iot.cn-north-1.amazonaws.com.cn", "iotdata", "cn-north-1", "e" },
    { "data-ats.iot.eu-west-1.amazonaws.com", "iotdata", "eu-west-1", "e" },
    { "data.jobs.iot.eu-west-1.amazonaws.com",
      "iot-jobs-data", "eu-west-1", "e" },
    { "api.tunneling.iot.us-east-1.amazonaws.com",
      "IoTSecuredTunneling", "us-east-1", "e" },
    { "api.tunneling.iot-fips.us-east-1.amazonaws.com",
      "IoTSecuredTunneling", "us-east-1", "e" },
    { "x.y.iot.us-east-1.amazonaws.com", "iotdata", "us-east-1", "" },
    { "data.mediastore.us-east-1.amazonaws.com",
      "mediastore", "us-east-1", "e" },
    { "abc.data.mediastore.us-east-1.amazonaws.com",
      "mediastore", "us-east-1", "e" },
    { "abc.mediaconvert.us-east-1.amazonaws.com",
      "mediaconvert", "us-east-1", "e" },
    { "portal.sso.us-east-1.amazonaws.com", "awsssoportal", "us-east-1", "e" },
    { "oidc.us-east-1.amazonaws.com", "sso-oauth", "us-east-1", "e" },
    { "metering.marketplace.us-east-1.amazonaws.com",
      "aws-marketplace", "us-east-1", "e" },
    { "catalog-marketplace.us-east-1.api.aws",
      "aws-marketplace", "us-east-1", "e" },
    { "runtime-v2-lex.us-east-1.amazonaws.com", "lex", "us-east-1", "e" },
    { "models.lex.us-east-1.amazonaws.com", "lex", "us-east-1", "e" },
    { "participant.connect.us-west-2.amazonaws.com",
      "execute-api", "us-west-2", "e" },
    { "controlplane.payment-cryptography.us-east-1.amazonaws.com",
      "payment-cryptography", "us-east-1", "e" },
    { "memory-db.us-east-1.amazonaws.com", "memorydb", "us-east-1", "e" },
    { "appstream2.us-west-2.amazonaws.com", "appstream", "us-west-2", "e" },
    { "cloudhsmv2.us-west-2.amazonaws.com", "cloudhsm", "us-west-2", "e" },
    { "sync-states.us-east-1.amazonaws.com", "states", "us-east-1", "e" },
    { "123456789012.data-kinesis.us-east-1.amazonaws.com",
      "kinesis", "us-east-1", "e" },

    /* a region first */

    { "us-west-2.queue.amazonaws.com", "sqs", "us-west-2", "e" },
    { "queue.amazonaws.com", "sqs", "us-east-1", "e" },
    { "search-docs-abc.us-east-1.es.amazonaws.com", "es", "us-east-1", "e" },
    { "vpc-docs-abc.cn-north-1.es.amazonaws.com.cn", "es", "cn-north-1", "e" },
    { "search-docs-abc.aos.us-east-1.on.aws", "es", "us-east-1", "e" },
    { "es.us-east-1.amazonaws.com", "es", "us-east-1", "e" },
    { "aos.us-east-1.api.aws", "es", "us-east-1", "e" },
    { "abc123.us-east-1.aoss.amazonaws.com", "aoss", "us-east-1", "e" },
    { "abc123.us-east-1.aoss-fips.amazonaws.com", "aoss", "us-east-1", "e" },
    { "aoss.us-east-1.amazonaws.com", "aoss", "us-east-1", "e" },
    { "doc-movies-abc.us-east-1.cloudsearch.amazonaws.com",
      "cloudsearch", "us-east-1", "e" },
    { "eu-west-1.elasticmapreduce.amazonaws.com",
      "elasticmapreduce", "eu-west-1", "e" },
    { "g-abc123.us-east-1.neptune-graph.amazonaws.com",
      "neptune-graph", "us-east-1", "e" },
    { "a.b.us-east-1.es.amazonaws.com", NULL, NULL, "" },
    { "mydb.abc.us-east-1.rds.amazonaws.com", NULL, NULL, "" },
    { "us-east-1.neptune.amazonaws.com", NULL, NULL, "" },

    /* without a region */

    { "iam.amazonaws.com", "iam", "us-east-1", "e" },
    { "iam-fips.amazonaws.com", "iam", "us-east-1", "e" },
    { "iam.global.api.aws", "iam", "us-east-1", "e" },
    { "iam.us-gov.amazonaws.com", "iam", "us-gov-west-1", "e" },
    { "iam.us-gov.amazonaws.com.cn", NULL, NULL, "" },
    { "iam.cn-north-1.amazonaws.com.cn", "iam", "cn-north-1", "e" },
    { "sts.amazonaws.com", "sts", "us-east-1", "e" },
    { "route53.amazonaws.com", "route53", "us-east-1", "e" },
    { "route53.amazonaws.com.cn", "route53", "cn-northwest-1", "e" },
    { "route53.us-gov.amazonaws.com", "route53", "us-gov-west-1", "e" },
    { "route53.c2s.ic.gov", "route53", "us-iso-east-1", "e" },
    { "route53.sc2s.sgov.gov", "route53", "us-isob-east-1", "e" },
    { "route53.amazonaws.eu", "route53", "eusc-de-east-1", "e" },
    { "cloudfront.amazonaws.com", "cloudfront", "us-east-1", "e" },
    { "budgets.amazonaws.com", "budgets", "us-east-1", "e" },
    { "global.health.amazonaws.com", "health", "us-east-1", "e" },
    { "globalaccelerator.amazonaws.com",
      "globalaccelerator", "us-west-2", "e" },
    { "networkmanager.amazonaws.com", "networkmanager", "us-west-2", "e" },
    { "globalaccelerator.us-west-2.amazonaws.com",
      "globalaccelerator", "us-west-2", "e" },
    { "codecatalyst.global.api.aws", "codecatalyst", "us-east-1", "e" },
    { "unheardof.amazonaws.com", NULL, NULL, "" },
    { "unheardof.global.api.aws", NULL, NULL, "" },
    { "bucket.iam.amazonaws.com", NULL, NULL, "" },

    /* partitions */

    { "sqs.cn-north-1.amazonaws.com.cn", "sqs", "cn-north-1", "e" },
    { "lambda.cn-north-1.api.amazonwebservices.com.cn",
      "lambda", "cn-north-1", "e" },
    { "kms.eusc-de-east-1.amazonaws.eu", "kms", "eusc-de-east-1", "e" },
    { "lambda.eusc-de-east-1.api.amazonwebservices.eu",
      "lambda", "eusc-de-east-1", "e" },
    { "sqs.us-iso-west-1.c2s.ic.gov", "sqs", "us-iso-west-1", "e" },
    { "ec2.us-iso-east-1.api.aws.ic.gov", "ec2", "us-iso-east-1", "e" },
    { "sqs.us-isob-east-1.sc2s.sgov.gov", "sqs", "us-isob-east-1", "e" },
    { "ec2.us-isob-east-1.api.aws.scloud", "ec2", "us-isob-east-1", "e" },
    { "sqs.eu-isoe-west-1.cloud.adc-e.uk", "sqs", "eu-isoe-west-1", "e" },
    { "ec2.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
      "ec2", "eu-isoe-west-1", "e" },
    { "sqs.us-isof-south-1.csp.hci.ic.gov", "sqs", "us-isof-south-1", "e" },
    { "ec2.us-isof-east-1.api.aws.hci.ic.gov", "ec2", "us-isof-east-1", "e" },
    { "sqs.us-gov-west-1.amazonaws.com", "sqs", "us-gov-west-1", "e" },
    { "sqs.cn-north-1.amazonaws.com", NULL, NULL, "" },
    { "sqs.us-east-1.amazonaws.com.cn", NULL, NULL, "" },
    { "sqs.us-iso-east-1.amazonaws.com", NULL, NULL, "" },

    /* endpoints in a VPC */

    { "vpce-1a-2b.sqs.us-east-1.vpce.amazonaws.com", "sqs", "us-east-1", "e" },
    { "vpce-1a-2b-us-east-1a.kinesis-fips.us-east-1.vpce.amazonaws.com",
      "kinesis", "us-east-1", "e" },
    { "vpce-1a-2b.api.ecr.eu-west-1.vpce.amazonaws.com",
      "ecr", "eu-west-1", "e" },
    { "vpce-1a-2b.bedrock-runtime.us-east-1.vpce.amazonaws.com",
      "bedrock", "us-east-1", "e" },
    { "vpce-1a-2b.data.iot.us-east-1.vpce.amazonaws.com",
      "iotdata", "us-east-1", "e" },
    { "vpce-1a-2b.123456789012.ddb.us-east-1.vpce.amazonaws.com",
      "dynamodb", "us-east-1", "e" },
    { "x.vpce-1a-2b.123456789012.ddb.us-east-1.vpce.amazonaws.com",
      "dynamodb", "us-east-1", "" },
    { "vpce-1a-2b.sqs.cn-north-1.vpce.amazonaws.com.cn",
      "sqs", "cn-north-1", "e" },
    { "bucket.vpce-1a-2b.s3.us-east-1.vpce.amazonaws.com",
      "s3", "us-east-1", "e" },
    { "my.bucket.bucket.vpce-1a-2b.s3.us-east-1.vpce.amazonaws.com",
      "s3", "us-east-1", "e" },
    { "accesspoint.vpce-1a-2b.s3.us-east-1.vpce.amazonaws.com",
      "s3", "us-east-1", "e" },
    { "control.vpce-1a-2b.s3.us-east-1.vpce.amazonaws.com",
      "s3", "us-east-1", "e" },
    { "x.vpce-1a-2b.sqs.us-east-1.vpce.amazonaws.com", "sqs", "us-east-1", "" },
    { "vpce-1a-2b.execute-api.us-east-1.vpce.amazonaws.com",
      "execute-api", "us-east-1", "" },
    { "vpce-1a-2b.unheardof.us-east-1.vpce.amazonaws.com",
      "unheardof", "us-east-1", "" },
    { "vpce-1a-2b.vpce-svc-0e4f.us-east-1.vpce.amazonaws.com", NULL, NULL, "" },
    { "vpce-svc-0e4f.sqs.us-east-1.vpce.amazonaws.com", NULL, NULL, "" },
    { "vpce-1.vpce-svc-2.sqs.us-east-1.vpce.amazonaws.com", NULL, NULL, "" },
    { "vpce-1a-2b.us-east-1.vpce.amazonaws.com", NULL, NULL, "" },
    { "sqs.us-east-1.vpce.amazonaws.com", NULL, NULL, "" },
    { "us-east-1.vpce.amazonaws.com", NULL, NULL, "" },
    { "vpce.amazonaws.com", NULL, NULL, "" },

    /* run by customers of AWS, or anyone's: never to be trusted */

    { "abc123.execute-api.us-east-1.amazonaws.com",
      "execute-api", "us-east-1", "" },
    { "abc123-vpce-0a1b.execute-api.us-east-1.amazonaws.com",
      "execute-api", "us-east-1", "" },
    { "abc123.lambda-url.us-east-1.on.aws", "lambda", "us-east-1", "" },
    { "x.vpc-lattice-svcs.us-east-1.on.aws",
      "vpc-lattice-svcs", "us-east-1", "" },
    { "x.y.7d67968.vpc-lattice-svcs.us-east-1.on.aws",
      "vpc-lattice-svcs", "us-east-1", "" },
    { "abc.appsync-api.us-east-1.amazonaws.com", "appsync", "us-east-1", "" },
    { "abc.gateway.bedrock-agentcore.us-east-1.amazonaws.com",
      "bedrock-agentcore", "us-east-1", "" },
    { "db.cluster-abc.us-east-1.neptune.amazonaws.com",
      "neptune-db", "us-east-1", "" },
    { "x.elb.us-east-1.amazonaws.com", "elb", "us-east-1", "" },
    { "foo.bar.us-east-1.amazonaws.com", "bar", "us-east-1", "" },
    { "sqs.evil.us-east-1.amazonaws.com", "evil", "us-east-1", "" },
    { "evil.sqs.us-east-1.amazonaws.com", "sqs", "us-east-1", "" },
    { "unheardof.us-east-1.amazonaws.com", "unheardof", "us-east-1", "" },
    { "unheardof-fips.us-east-1.api.aws", "unheardof", "us-east-1", "" },
    { "id.vfs.cloud9.us-east-1.amazonaws.com", "cloud9", "us-east-1", "" },
    { "b-1.mq.us-east-1.amazonaws.com", "mq", "us-east-1", "" },
    { "lb-123.us-east-1.elb.amazonaws.com", NULL, NULL, "" },
    { "abc.gr7.us-east-1.eks.amazonaws.com", NULL, NULL, "" },
    { "ec2-1-2-3-4.compute-1.amazonaws.com", NULL, NULL, "" },
    { "ec2-1-2-3-4.us-west-2.compute.amazonaws.com", NULL, NULL, "" },
    { "app.us-east-1.on.aws", NULL, NULL, "" },
    { "sqs.us-east-1.on.aws", NULL, NULL, "" },
    { "lambda-url.on.aws", NULL, NULL, "" },
    { "on.aws", NULL, NULL, "" },

    /* ports and dots */

    { "s3.us-east-1.amazonaws.com.", "s3", "us-east-1", "e" },
    { "s3.us-east-1.amazonaws.com:443", "s3", "us-east-1", "e" },
    { "s3.us-east-1.amazonaws.com.:8443", "s3", "us-east-1", "e" },
    { "s3.us-east-1.amazonaws.com..", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.com:", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.com:44a", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.com:443:443", NULL, NULL, "" },
    { ":443", NULL, NULL, "" },

    /* not of AWS, or no names */

    { "amazonaws.com", NULL, NULL, "" },
    { ".amazonaws.com", NULL, NULL, "" },
    { "us-east-1.amazonaws.com", NULL, NULL, "" },
    { "fips.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "dualstack.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "fips.dualstack.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "evilamazonaws.com", NULL, NULL, "" },
    { "s3.us-east-1.evilamazonaws.com", NULL, NULL, "" },
    { "amazonaws.com.evil.com", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.com.evil.com", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.com.cn.evil.com", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.comx", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.co", NULL, NULL, "" },
    { "s3..us-east-1.amazonaws.com", NULL, NULL, "" },
    { ".s3.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "S3.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "s3.US-EAST-1.amazonaws.com", NULL, NULL, "" },
    { "s3.us-east-1.amazonaws.com/evil.com", NULL, NULL, "" },
    { "evil.com/s3.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "user@s3.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "evil.com#.s3.us-east-1.amazonaws.com", NULL, NULL, "" },
    { "s3%2eus-east-1.amazonaws.com", NULL, NULL, "" },
    { "sqs.us-east.amazonaws.com", NULL, NULL, "" },
    { "sqs.us-east-.amazonaws.com", NULL, NULL, "" },
    { "sqs.-east-1.amazonaws.com", NULL, NULL, "" },
    { "sqs.east-1.amazonaws.com", NULL, NULL, "" },
    { "sqs.zz-east-1.amazonaws.com", NULL, NULL, "" },
    { "sqs.us--1.amazonaws.com", NULL, NULL, "" },
    { "sqs.us-east-1a.amazonaws.com", NULL, NULL, "" },
    { "s3-.amazonaws.com", NULL, NULL, "" },
    { "s3-us-east.amazonaws.com", NULL, NULL, "" },
    { "s3-us-east-1-evil.amazonaws.com", NULL, NULL, "" },
    { "localhost", NULL, NULL, "" },
    { "localhost:8000", NULL, NULL, "" },
    { "127.0.0.1", NULL, NULL, "" },
    { "127.0.0.1:9000", NULL, NULL, "" },
    { "[::1]:9000", NULL, NULL, "" },
    { "minio.example.com", NULL, NULL, "" },
    { "search.example.com:9200", NULL, NULL, "" }
};


int
main(void)
{
    test_table();
    test_hosts();
    test_lengths();
    test_bytes();

    return tap_done();
}


static void
test_table(void)
{
    int                 rc;
    size_t              i, k, labels;
    const sigv4_str_t  *name, *last;

    rc = 1;

    for (i = 0; i < sigv4_endpoint_nnames; i++) {
        name = &sigv4_endpoint_names[i].name;
        labels = 1;

        for (k = 0; k < name->len; k++) {
            labels += name->data[k] == '.';
        }

        if (labels > SIGV4_ENDPOINT_LABELS
            || sigv4_endpoint_name(*name) != &sigv4_endpoint_names[i])
        {
            printf("#   \"%s\" is not found\n", (char *) name->data);
            rc = 0;
        }

        if (i == 0) {
            continue;
        }

        last = &sigv4_endpoint_names[i - 1].name;

        if (strcmp((char *) last->data, (char *) name->data) >= 0) {
            printf("#   \"%s\" is not in order\n", (char *) name->data);
            rc = 0;
        }
    }

    tap_ok(rc, "the table of names is sorted");
}


static void
test_hosts(void)
{
    int                     rc, exact, asymmetric;
    size_t                  i;
    sigv4_endpoint_t        ep;
    const endpoint_case_t  *c;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = &cases[i];

        if (c->service == NULL) {
            tap_ok(unknown(c->host, strlen(c->host)), "unknown: %s", c->host);
            continue;
        }

        exact = strchr(c->flags, 'e') != NULL;
        asymmetric = strchr(c->flags, 'a') != NULL;

        rc = lookup(c->host, strlen(c->host), &ep) == SIGV4_OK
             && equals(ep.service, c->service)
             && equals(ep.region, c->region)
             && ep.exact == exact
             && ep.asymmetric == asymmetric;

        tap_ok(rc, "%s", c->host);

        if (!rc) {
            tap_print("service", ep.service);
            tap_print("region", ep.region);
            printf("#   exact:%d asymmetric:%d\n", ep.exact, ep.asymmetric);
        }
    }
}


static void
test_lengths(void)
{
    char              *p;
    size_t             i, n;
    sigv4_endpoint_t   ep;

    static const char  tail[] = ".s3.us-east-1.amazonaws.com";
    static const char  suffix[] = "us-east-1.amazonaws.com";

    n = 70000;
    p = malloc(n);

    if (p == NULL) {
        perror("malloc");
        exit(2);
    }

    memset(p, '.', n);

    for (i = 0; i < 300; i++) {
        if (!unknown(p, i)) {
            break;
        }
    }

    tap_ok(i == 300, "no bytes, and dots only");
    tap_ok(unknown(p, n), "70,000 dots");

    memset(p, '1', n);
    tap_ok(unknown(p, n), "70,000 digits");

    for (i = 0; i < n; i++) {
        p[i] = "a."[i % 2];
    }

    memcpy(p + n - sizeof(tail) + 1, tail, sizeof(tail) - 1);

    tap_ok(unknown(p, n), "70,000 bytes of labels before a host of S3");

    p[n - 253] = 'a';
    p[n - 254] = '.';
    p[n - 255] = 'a';

    tap_ok(unknown(p + n - 255, 255), "255 bytes are no name");

    tap_ok(lookup(p + n - 253, 253, &ep) == SIGV4_OK
           && equals(ep.service, "s3") && ep.exact,
           "253 bytes are a name");

    memset(p, 'a', 64);
    memcpy(p + 64, tail, sizeof(tail) - 1);

    tap_ok(unknown(p, 64 + sizeof(tail) - 1), "64 bytes are no label");

    tap_ok(lookup(p + 1, 63 + sizeof(tail) - 1, &ep) == SIGV4_OK,
           "63 bytes are a label");

    /* fills the buffer in which labels are joined for the look-up */

    for (i = 0; i < SIGV4_ENDPOINT_LABELS; i++) {
        memset(p + i * 64, 'b', 63);
        p[i * 64 + 63] = '.';
    }

    memcpy(p + i * 64, suffix, sizeof(suffix) - 1);

    tap_ok(lookup(p, i * 64 + sizeof(suffix) - 1, &ep) == SIGV4_OK
           && ep.service.len == 63 && !ep.exact,
           "three labels of 63 bytes");

    free(p);
}


/* a byte that names do not have makes any host unknown, wherever it is */

static void
test_bytes(void)
{
    int          rc, c;
    char         saved;
    char         host[] = "bucket.s3.us-east-1.amazonaws.com";
    size_t       i;
    const char  *allowed;

    allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    rc = 1;

    for (c = 0; c < 256; c++) {

        if (c && strchr(allowed, c)) {
            continue;
        }

        for (i = 0; i < sizeof(host) - 1; i++) {
            saved = host[i];
            host[i] = (char) c;

            if (!unknown(host, sizeof(host) - 1)) {
                printf("#   byte %d at %d\n", c, (int) i);
                rc = 0;
            }

            host[i] = saved;
        }
    }

    tap_ok(rc, "bytes that names do not have");
}


static int
unknown(const char *data, size_t len)
{
    sigv4_endpoint_t  ep;

    memset(&ep, 0xff, sizeof(ep));

    return lookup(data, len, &ep) == SIGV4_INVALID
           && ep.service.len == 0
           && ep.region.len == 0
           && ep.exact == 0
           && ep.asymmetric == 0;
}


/*
 * Looks up a copy that ends at a guard page, and moves what points into the
 * copy back to the data.
 */

static int
lookup(const char *data, size_t len, sigv4_endpoint_t *ep)
{
    int          rc;
    guard_t      guard;
    sigv4_str_t  copy;

    copy = tap_bytes(data, len);
    guard = guard_copy(&copy);

    rc = sigv4_endpoint(copy, ep);

    move_back(&ep->service, copy, data);
    move_back(&ep->region, copy, data);

    guard_destroy(guard);

    return rc;
}


static void
move_back(sigv4_str_t *str, sigv4_str_t copy, const char *data)
{
    if (str->data >= copy.data && str->data < copy.data + copy.len) {
        str->data = (const uint8_t *) data + (str->data - copy.data);
    }
}


static int
equals(sigv4_str_t s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}
