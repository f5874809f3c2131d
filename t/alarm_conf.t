#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# aws_sigv4_alarm: what nginx -t says of it.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

run_tests();

__DATA__

=== thresholds and a window
--- http_config
aws_sigv4_alarm 4xxErrorCount 10;
aws_sigv4_alarm 5xxErrorCount off;
aws_sigv4_alarm RequestLatency 2s;
aws_sigv4_alarm window=5m;
--- warns
test is successful
--- no_warns
[warn]



=== a metric that is not there
--- http_config
aws_sigv4_alarm Latency 1s;
--- must_die: there is no alarm of "Latency", write 4xxErrorCount, 5xxErrorCount or RequestLatency in http.conf:1



=== a number that is none
--- http_config
aws_sigv4_alarm 4xxErrorCount many;
--- must_die: invalid threshold "many" of "4xxErrorCount", write a number or "off" in http.conf:1



=== a time that is none
--- http_config
aws_sigv4_alarm RequestLatency -1;
--- must_die: invalid threshold "-1" of "RequestLatency", write a time as 1500ms or "off" in http.conf:1



=== a metric twice
--- http_config
aws_sigv4_alarm 5xxErrorCount 1;
aws_sigv4_alarm 5xxErrorCount off;
--- must_die: "aws_sigv4_alarm" directive is duplicate in http.conf:2



=== a window twice
--- http_config
aws_sigv4_alarm window=1m;
aws_sigv4_alarm window=2m;
--- must_die: "aws_sigv4_alarm" directive is duplicate in http.conf:2



=== a window that is too short
--- http_config
aws_sigv4_alarm window=10ms;
--- must_die: invalid value "window=10ms", write "off", a window of whole seconds up to "window=1d", or a metric and its threshold in http.conf:1



=== a window of no whole seconds
--- http_config
aws_sigv4_alarm window=1500ms;
--- must_die: invalid value "window=1500ms"



=== off twice
--- http_config
aws_sigv4_alarm off;
aws_sigv4_alarm off;
--- must_die: "aws_sigv4_alarm" directive is duplicate in http.conf:2



=== something else
--- http_config
aws_sigv4_alarm on;
--- must_die: invalid value "on", write "off"
