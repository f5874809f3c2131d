# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: hosts that a request may choose, and patterns for them.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
resolver 127.0.0.1;
EOC

our $required = '"aws_sigv4_allow_hosts" is required, since the host that is '
    . 'signed for or connected to contains a variable: list the hosts, for '
    . 'example "aws_sigv4_allow_hosts *.amazonaws.com;", for the "proxy_pass"';

run_tests();

__DATA__

=== a pattern with a port
--- config
location / {
    aws_sigv4_allow_hosts a.example.com b.example.com:443;
}
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "b.example.com:443", write a name without port, "*.suffix", "~regex" or "*" in server.conf:2



=== a pattern with a star in it
--- config
aws_sigv4_allow_hosts a.*.example.com;
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "a.*.example.com", write a name without port, "*.suffix", "~regex" or "*" in server.conf:1



=== a pattern with a star before a name
--- config
aws_sigv4_allow_hosts *example.com;
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "*example.com", write a name without port, "*.suffix", "~regex" or "*" in server.conf:1



=== a pattern that is a URL
--- config
aws_sigv4_allow_hosts https://example.com/;
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "https://example.com/", write a name without port, "*.suffix", "~regex" or "*" in server.conf:1



=== a pattern with a variable
--- config
aws_sigv4_allow_hosts $host;
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "$host", write a name without port, "*.suffix", "~regex" or "*" in server.conf:1



=== a pattern of a star and a dot
--- config
aws_sigv4_allow_hosts *.;
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "*.", write a name without port, "*.suffix", "~regex" or "*" in server.conf:1



=== an empty pattern
--- config
aws_sigv4_allow_hosts "";
--- must_die
"aws_sigv4_allow_hosts": invalid host pattern "", write a name without port, "*.suffix", "~regex" or "*" in server.conf:1



=== an empty regular expression
--- config
aws_sigv4_allow_hosts ~;
--- must_die
"aws_sigv4_allow_hosts": empty regex, write "*" to allow all hosts in server.conf:1



=== a regular expression that is none
--- config
aws_sigv4_allow_hosts "~a(b";
--- must_die
in server.conf:1
pcre



=== patterns twice
--- config
aws_sigv4_allow_hosts a.example.com;
aws_sigv4_allow_hosts b.example.com;
--- must_die
"aws_sigv4_allow_hosts" directive is duplicate in server.conf:2



=== good patterns
--- config
aws_sigv4_allow_hosts a.example.com *.b.example.com "~^c\d+\.example\.com$" *
    [::1] 127.0.0.1;
--- warns
test is successful



=== a variable in aws_sigv4_host
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host $arg_h;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die eval
"$main::required in server.conf:4"



=== a variable in Host
--- config
location / {
    aws_sigv4 on;
    proxy_set_header HOST $http_host;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die eval
"$main::required in server.conf:4"



=== a variable in an inherited Host
--- config
aws_sigv4 on;
proxy_set_header Host $host;
location / {
    proxy_pass http://127.0.0.1:8000;
}
--- must_die eval
"$main::required in server.conf:4"



=== an inherited Host that other headers replace
--- config
aws_sigv4 on;
proxy_set_header Host $host;
location / {
    proxy_set_header X-Other a;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful



=== a variable authority
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://$arg_h;
}
--- must_die eval
"$main::required in server.conf:3"



=== a variable authority and a literal Host
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host a.example.com;
    proxy_pass https://$arg_h/a;
}
--- must_die eval
"$main::required in server.conf:4"



=== a variable port
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$arg_p/;
}
--- must_die eval
"$main::required in server.conf:3"



=== a variable that may end the authority
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:8000$uri;
}
--- must_die eval
"$main::required in server.conf:3"



=== a slash that is not the third
--- config
location / {
    aws_sigv4 on;
    proxy_pass http:/$request_uri;
}
--- must_die eval
"$main::required in server.conf:3"



=== a variable scheme
--- config
location / {
    aws_sigv4 on;
    proxy_pass $scheme://127.0.0.1:8000;
}
--- must_die eval
"$main::required in server.conf:3"



=== a whole URL
--- config
location / {
    aws_sigv4 on;
    proxy_pass $arg_u;
}
--- must_die eval
"$main::required in server.conf:3"



=== a variable authority of "if"
--- config
location / {
    aws_sigv4 on;
    if ($arg_h) {
        proxy_pass http://$arg_h;
    }
    proxy_pass http://127.0.0.1:8000;
}
--- must_die eval
"$main::required in server.conf:4"



=== a variable authority of limit_except
--- config
location / {
    aws_sigv4 on;
    limit_except GET {
        proxy_pass http://$arg_h;
    }
}
--- must_die eval
"$main::required in server.conf:4"



=== a variable authority where nothing is signed
--- config
location / {
    proxy_pass http://$arg_h;
}
--- warns
test is successful



=== variables behind a literal authority
--- config
aws_sigv4 on;
location /a/ {
    proxy_pass http://127.0.0.1:8000$request_uri;
}
location /b/ {
    proxy_pass http://127.0.0.1:8000/$uri;
}
location /c/ {
    proxy_pass http://127.0.0.1:8000?$args;
}
location ~ ^/d/(.*)$ {
    proxy_pass http://127.0.0.1:8000/$1;
}
location /e/ {
    proxy_set_header Host $proxy_host;
    proxy_pass http://127.0.0.1:8000/$uri;
}
location /f/ {
    aws_sigv4_host a.example.com;
    proxy_set_header Host $host;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful



=== a literal Host that is no host
--- config
location / {
    aws_sigv4 on;
    proxy_set_header Host a/b;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
"a/b" is no host to sign for, look at "aws_sigv4_host" and "proxy_set_header Host" for the "proxy_pass" in server.conf:4
