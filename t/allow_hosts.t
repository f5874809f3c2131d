# SPDX-License-Identifier: BSD-2-Clause

# aws_sigv4_allow_hosts: for which hosts a request may choose.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Dns qw(dns_port);

my $resolver = 'resolver 127.0.0.1:' . dns_port() . " ipv6=off;\n";

default_section(http_config => $resolver . <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
EOC

# each location is a list, the argument "h" the host
default_section(config => <<'EOC');
aws_sigv4 on;
proxy_set_header Host $arg_h;

location /exact/ {
    aws_sigv4_allow_hosts a.example.com B.example.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /suffix/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /regex/ {
    aws_sigv4_allow_hosts "~[ab]\d?\.example\.com";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /alternatives/ {
    aws_sigv4_allow_hosts "~a\.example\.com|b\.example\.com";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /several/ {
    aws_sigv4_allow_hosts "~a\.example\.com" b.example.com *.example.org;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /any/ {
    aws_sigv4_allow_hosts *;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /authority/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_set_header Host $proxy_host;
    proxy_pass http://$arg_h:$VERIFIER_PORT;
}

location /authority-other-host/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_pass http://$arg_to:$VERIFIER_PORT;
}

location /authority-literal-host/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_set_header Host aps.example.com;
    proxy_pass http://$arg_to:$VERIFIER_PORT;
}

location /authority-chosen-host/ {
    aws_sigv4_allow_hosts *.example.com;
    aws_sigv4_host aps.example.com;
    proxy_pass http://$arg_to:$VERIFIER_PORT;
}

location /authority-in-url/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_set_header Host $proxy_host;
    proxy_pass $scheme://$arg_to:$VERIFIER_PORT/;
}

location /socket/ {
    aws_sigv4_allow_hosts localhost;
    set $path unix:$VERIFIER_SOCKET;
    proxy_set_header Host localhost;
    proxy_pass http://$path;
}

location / {
    aws_sigv4_allow_hosts *.example.com;
    proxy_set_header Host $proxy_host;
    proxy_pass http:/$request_uri;
}

location /literal/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_set_header Host other.example.org;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

# on a connection of its own each, since a refusal may close it
sub each_of {
    my ($location, @hosts) = @_;

    return [ map { "GET /$location/?h=$_" } @hosts ];
}

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== exact names, in any letter case, with a port or a trailing dot
--- requests eval
main::each_of('exact', qw(a.example.com b.example.com A.Example.com
    a.example.com:8443 a.example.com. a.example.com.:80))
--- upstream_verdict: ok
--- upstream_count: 6



=== names that are not exact
--- requests eval
main::each_of('exact', qw(example.com c.example.com x.a.example.com
    a.example.com.evil.org aa.example.com a.example.com.. a.example.co))
--- status: 403
--- upstream_count: 0
--- error_log: is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== names with a suffix
--- requests eval
main::each_of('suffix', qw(a.example.com a.b.example.com A.EXAMPLE.COM
    a.example.com:443 a.example.com.))
--- upstream_verdict: ok
--- upstream_count: 5



=== names without the suffix
--- requests eval
main::each_of('suffix', qw(example.com .example.com aexample.com
    a.example.com.evil.org a.example.org:80 [a.example.com]))
--- status: 403
--- upstream_count: 0
--- error_log: is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== a regular expression
--- requests eval
main::each_of('regex', qw(a.example.com b1.example.com A.Example.COM
    a.example.com:8080 a.example.com.))
--- upstream_verdict: ok
--- upstream_count: 5



=== a regular expression matches the whole name
--- requests eval
main::each_of('regex', qw(a.example.com.evil.org xa.example.com
    a.example.comx a22.example.com a.example.com.x:80))
--- status: 403
--- upstream_count: 0
--- error_log: is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== alternatives of a regular expression match the whole name
--- requests eval
main::each_of('alternatives', qw(a.example.com b.example.com))
--- upstream_verdict: ok
--- upstream_count: 2



=== alternatives of a regular expression do not match a part
--- requests eval
main::each_of('alternatives', qw(a.example.com.evil.org evil-b.example.com))
--- status: 403
--- upstream_count: 0
--- error_log: is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== several patterns
--- requests eval
main::each_of('several', qw(a.example.com b.example.com c.example.org))
--- upstream_verdict: ok
--- upstream_count: 3



=== any name
--- requests eval
main::each_of('any', qw(a.example.com localhost 192.0.2.1 [::1]:80 x))
--- upstream_verdict: ok
--- upstream_count: 5



=== an authority that is allowed
--- requests eval
main::each_of('authority', 'aps.example.com', 'APS.example.com')
--- upstream_verdict: ok
--- upstream_count: 2



=== an authority that is not allowed
--- requests eval
main::each_of('authority', 'aps.example.org', 'example.com', '127.0.0.1',
              'a.example.com.evil.org')
--- status: 403
--- upstream_count: 0
--- error_log: is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== an authority and another Host, both allowed
--- request
GET /authority-other-host/?h=a.example.com&to=b.example.com
--- upstream_verdict: ok
--- upstream_header: host: a.example.com



=== the Host is allowed, the authority is not
--- request
GET /authority-other-host/?h=a.example.com&to=evil.example.org
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org
--- access: $aws_sigv4_status=host_not_allowed



=== the authority is allowed, the Host is not
--- request
GET /authority-other-host/?h=evil.example.org&to=a.example.com
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org" is not signed for
--- access: $aws_sigv4_status=host_not_allowed



=== the authority counts where the Host is literal
--- request
GET /authority-literal-host/?to=a.example.com
--- upstream_verdict: ok



=== a refused authority where the Host is literal
--- request
GET /authority-literal-host/?to=evil.example.org
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org
--- access: $aws_sigv4_status=host_not_allowed



=== the authority counts where aws_sigv4_host is literal
--- request
GET /authority-chosen-host/?to=a.example.com
--- upstream_verdict: ok



=== a refused authority where aws_sigv4_host is literal
--- request
GET /authority-chosen-host/?to=evil.example.org
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org
--- access: $aws_sigv4_status=host_not_allowed



=== a variable scheme
--- request
GET /authority-in-url/?to=a.example.com
--- upstream_verdict: ok



=== a refused authority behind a variable scheme
--- request
GET /authority-in-url/?to=evil.example.org
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org
--- access: $aws_sigv4_status=host_not_allowed



=== an authority that is split
--- request
GET /authority-in-url/?to=evil.example.org/a.example.com
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org" is not signed for
--- access: $aws_sigv4_status=host_not_allowed



=== a socket is no host
--- request
GET /socket/
--- status: 403
--- upstream_count: 0
--- error_log: is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== the path is an authority
--- request
GET /aps.example.com:$VERIFIER_PORT/x
--- upstream_verdict: ok
--- upstream_request: GET /x



=== the path is an authority that is refused
--- request
GET /evil.example.org:$VERIFIER_PORT/x
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org:$VERIFIER_PORT" is not signed for
--- access: $aws_sigv4_status=host_not_allowed



=== a literal Host is the operator's choice
--- request
GET /literal/
--- upstream_verdict: ok
--- upstream_header: host: other.example.org



=== a host that the hook chooses has to be allowed
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_allow_hosts *.example.com;
    aws_sigv4_by_lua_block { sigv4.host = sigv4.var.arg_h }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- request
GET /?h=a.example.com
--- upstream_verdict: ok
--- upstream_header: host: a.example.com



=== a host that the hook chooses and that is not allowed
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_allow_hosts *.example.com;
    aws_sigv4_by_lua_block { sigv4.host = sigv4.var.arg_h }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- request
GET /?h=a.example.org
--- status: 403
--- upstream_count: 0
--- error_log: host "a.example.org" is not signed for, it is not in "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== a host that the hook chooses where none is allowed
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_by_lua_block { sigv4.host = sigv4.var.arg_h }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- request
GET /?h=a.example.com
--- status: 403
--- upstream_count: 0
--- error_log: host "a.example.com" was chosen by the request and is not signed for, allow it with "aws_sigv4_allow_hosts"
--- access: $aws_sigv4_status=host_not_allowed



=== a refused request has no body read
--- request
POST /exact/?h=evil.example.org
--- more_headers
Expect: 100-continue
--- body: never sent
--- status: 403
--- upstream_count: 0
--- error_log: host "evil.example.org" is not signed for
--- access: $aws_sigv4_status=host_not_allowed



=== a line break in the authority makes no line of the log
--- config
location ~ (?s)^/to/(?<to>.*)$ {
    aws_sigv4 on;
    aws_sigv4_host sts.us-east-1.amazonaws.com;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://$to:$VERIFIER_PORT/x;
}
--- request
GET /to/evil%0Aline.example.com
--- status: 403
--- upstream_count: 0
--- error_log: host "evil?line.example.com:
--- access: $aws_sigv4_status=host_not_allowed
