# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: the parameters of aws_sigv4_cloudwatch.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

run_tests();

__DATA__

=== no namespace
--- http_config
aws_sigv4_cloudwatch region=us-east-1;
--- must_die
"aws_sigv4_cloudwatch" requires "namespace=" in http.conf:1



=== no region
--- http_config
aws_sigv4_cloudwatch namespace=A;
--- must_die
"aws_sigv4_cloudwatch" requires "region=" in http.conf:1



=== an unknown parameter
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 period=1m;
--- must_die
invalid parameter "period=1m", "aws_sigv4_cloudwatch" has "namespace=", "region=", "credentials=", "interval=", "endpoint=" and "ca_file=" in http.conf:1



=== a parameter twice
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 namespace=B;
--- must_die
duplicate parameter "namespace=B" of "aws_sigv4_cloudwatch" in http.conf:1



=== a parameter without a value
--- http_config
aws_sigv4_cloudwatch namespace=A region=;
--- must_die
parameter "region=" of "aws_sigv4_cloudwatch" has no value in http.conf:1



=== a namespace of AWS
--- http_config
aws_sigv4_cloudwatch namespace=AWS/S3 region=us-east-1;
--- must_die
invalid namespace "AWS/S3" of "aws_sigv4_cloudwatch", write at most 255 letters, digits and "._-/#:", without "AWS/" or ":" in front in http.conf:1



=== a namespace with a space
--- http_config
aws_sigv4_cloudwatch "namespace=a b" region=us-east-1;
--- must_die
invalid namespace "a b" of "aws_sigv4_cloudwatch", write at most 255 letters, digits and "._-/#:", without "AWS/" or ":" in front in http.conf:1



=== a namespace with a colon in front
--- http_config
aws_sigv4_cloudwatch namespace=:a region=us-east-1;
--- must_die
invalid namespace ":a" of "aws_sigv4_cloudwatch", write at most 255 letters, digits and "._-/#:", without "AWS/" or ":" in front in http.conf:1



=== a region that is none
--- http_config
aws_sigv4_cloudwatch namespace=A region=us/east;
--- must_die
invalid region "us/east" of "aws_sigv4_cloudwatch", write one like us-east-1 in http.conf:1



=== an interval that is none
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 interval=often;
--- must_die
invalid interval "often" of "aws_sigv4_cloudwatch", it can be from 1s to 1d in http.conf:1



=== an interval that is too short
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 interval=999ms;
--- must_die
invalid interval "999ms" of "aws_sigv4_cloudwatch", it can be from 1s to 1d in http.conf:1



=== an interval that is too long
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 interval=2d;
--- must_die
invalid interval "2d" of "aws_sigv4_cloudwatch", it can be from 1s to 1d in http.conf:1



=== an endpoint that is no URL
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 endpoint=monitoring;
--- must_die
invalid endpoint "monitoring" of "aws_sigv4_cloudwatch": it does not begin with http:// or https:// in http.conf:1



=== an endpoint without a host
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 endpoint=https://;
--- must_die
invalid endpoint "https://" of "aws_sigv4_cloudwatch": no host in http.conf:1



=== an endpoint without TLS
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 endpoint=http://192.0.2.1;
--- must_die
endpoint "http://192.0.2.1" of "aws_sigv4_cloudwatch" is not on the loopback interface, where alone CloudWatch may be told without TLS; write https:// in http.conf:1



=== a file of CAs without TLS
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 endpoint=http://127.0.0.1:9 ca_file=a.pem;
--- must_die
"ca_file=" of "aws_sigv4_cloudwatch" needs an endpoint with TLS; write https:// or remove it in http.conf:1



=== a file of CAs that is not there
--- http_config
aws_sigv4_cloudwatch namespace=A region=us-east-1 ca_file=none.pem;
--- must_die
none.pem



=== no CA certificates
--- http_config
resolver 127.0.0.1;
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_cloudwatch namespace=A region=us-east-1;
--- env
SSL_CERT_FILE=/nonexistent/file
SSL_CERT_DIR=/nonexistent
--- warns
"aws_sigv4_cloudwatch": the system has no CA certificates, without which no server is trusted: install ca-certificates or write "ca_file=" in http.conf:4



=== a provider that is not there
--- http_config
resolver 127.0.0.1;
aws_sigv4_cloudwatch namespace=A region=us-east-1 credentials=p;
--- must_die
"credentials=p" of the "aws_sigv4_cloudwatch" in http.conf:2 names no provider, define it with "aws_sigv4_provider p <type>;"



=== no resolver
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_cloudwatch namespace=A region=cn-north-1;
--- must_die
the "aws_sigv4_cloudwatch" in http.conf:3 has to resolve "monitoring.cn-north-1.amazonaws.com.cn", set "resolver" in "http"



=== twice
--- http_config
resolver 127.0.0.1;
aws_sigv4_cloudwatch namespace=A region=us-east-1;
aws_sigv4_cloudwatch namespace=B region=us-east-1;
--- must_die
"aws_sigv4_cloudwatch" directive is duplicate in http.conf:3



=== in a server
--- config
aws_sigv4_cloudwatch namespace=A region=us-east-1;
--- must_die
"aws_sigv4_cloudwatch" directive is not allowed here in server.conf:1



=== all of them, the provider and the resolver behind it, and nobody signs
--- http_config
aws_sigv4_cloudwatch namespace=A/b.c-d_e#f:1 region=us-east-1 credentials=p
    interval=5m endpoint=https://monitoring.us-east-1.api.aws ca_file=$TEST_CERT;
aws_sigv4_provider p static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
resolver 127.0.0.1;
--- warns
test is successful
