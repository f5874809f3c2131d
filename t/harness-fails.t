# SPDX-License-Identifier: BSD-2-Clause

# A harness that cannot fail proves nothing: blocks that must fail, each
# run in a Perl of its own, and what it then says.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;

my $dir = temp_dir();

my %ok = (
    config  => "location / {\n    return 200 \"fine\";\n}\n",
    request => "GET /\n",
);

my $to_verifier = "location / {\n"
    . "    proxy_pass  http://127.0.0.1:\$VERIFIER_PORT;\n}\n";

# name, sections on top of the block that passes, what the output says
my @cases = (
    [ 'status', { status => '404' }, qr/Failed test 'status'/ ],
    [ 'body', { response_body => "other\n" }, qr/Failed test 'body'/ ],
    [ 'body pattern', { response_body_like => 'x+' }, qr/Failed test 'body'/ ],
    [ 'header', { response_headers => "Content-Type: a/b\n" },
      qr/Failed test 'header Content-Type'/ ],
    [ 'a header that should be absent', { response_headers => "! Server\n" },
      qr/Failed test 'header Server is absent'/ ],
    [ 'access log', { access => "\$request_method=PUT\n" },
      qr/Failed test 'access log request_method'/ ],
    [ 'a line that is not in the error log', { error_log => "no such\n",
        IMPATIENT => 1 },
      qr/Failed test 'error log: there'/ ],
    [ 'a line that is in it',
      { config => "location / {\n"
            . "    proxy_pass http://127.0.0.1:\$CLOSED_PORT;\n}\n",
        status => '502', error_log => "connect() failed\n",
        no_error_log => "Connection refused\n" },
      qr/Failed test 'error log: absent'/ ],
    [ 'an error in the error log',
      { config => "location / {\n"
            . "    proxy_pass http://127.0.0.1:\$CLOSED_PORT;\n}\n",
        status => '502' },
      qr/Failed test 'error log has no other errors'/ ],
    [ 'another error than the expected one',
      { config => "location / {\n"
            . "    proxy_pass http://127.0.0.1:\$CLOSED_PORT;\n}\n",
        status => '502', error_log => "while upgrading\n",
        IMPATIENT => 1 },
      qr/Failed test 'error log has no other errors'/ ],
    [ 'a secret in the access log',
      { request => "GET /?\$TEST_OTHER_SECRET\n" },
      qr/Failed test 'no secret in logs and responses'/ ],
    [ 'a secret in the response',
      { config => "location / {\n    return 200 'my \$TEST_SECRET';\n}\n" },
      qr/Failed test 'no secret in logs and responses'/ ],
    [ 'a secret named by the block', { secrets => "fine\n" },
      qr/Failed test 'no secret in logs and responses'/ ],
    [ 'verdict', { config => $to_verifier, status => '403',
        upstream_verdict => "ok\n" },
      qr/Failed test 'verdict of the verifier'/ ],
    [ 'no request upstream', { http_config => "# \$VERIFIER_PORT\n",
        upstream_verdict => "ok\n" },
      qr/Failed test 'a request reached the verifier'/ ],
    [ 'a header without a request', { http_config => "# \$VERIFIER_PORT\n",
        upstream_header => "a: b\n" },
      qr/Failed test 'upstream_header without a request upstream'/ ],
    [ 'more requests upstream than expected',
      { config => $to_verifier, status => '403', upstream_count => '0' },
      qr/Failed test 'requests upstream'/ ],
    [ 'request line', { config => $to_verifier, status => '403',
        upstream_request => "GET /other\n" },
      qr/Failed test 'request line upstream'/ ],
    [ 'header upstream', { config => $to_verifier, status => '403',
        upstream_header => "host: other\n" },
      qr/Failed test 'upstream header host'/ ],
    [ 'record upstream', { config => $to_verifier, status => '403',
        upstream_record => "service=s3\n" },
      qr/Failed test 'upstream service'/ ],
    [ 'body upstream', { config => $to_verifier, status => '403',
        request => "POST /\n", body => "x\n", upstream_body => "y\n" },
      qr/Failed test 'length and digest of the body upstream'/ ],
    [ 'head upstream', { config => $to_verifier, status => '403',
        upstream_head_like => "^Nothing:\n" },
      qr/Failed test 'request head has \^Nothing:/ ],
    [ 'configuration that should be refused', { must_die => "bad\n" },
      qr/Failed test 'nginx -t fails'/ ],
    [ 'another message of nginx -t',
      { config => "nothing on;\n", must_die => "server.conf:2\n" },
      qr/Failed test 'nginx -t: there'/ ],
    [ 'a warning that does not come', { warns => "careful\n" },
      qr/Failed test 'nginx -t: there'/ ],
    [ 'configuration that nginx refuses', { config => "nothing on;\n" },
      qr/nginx did not start/ ],
    [ 'a section with a slip of the pen', { upstream_veredict => "ok\n" },
      qr/unknown section 'upstream_veredict'/ ],
    [ 'a check that cannot be read', { response_headers => "Server\n" },
      qr/Failed test 'not a check: Server'/ ],
    [ 'a placeholder that is none', { config => "# \$TEST_TYPO\n" },
      qr/unknown placeholder \$TEST_TYPO/ ],
    [ 'a worker that crashes', { main_config => "# \n", CRASH => 'KILL' },
      qr/Failed test 'nginx ended well'.*exited on signal 9/s ],
    [ 'a sanitizer report', { config => "location / {\n"
            . "    error_page 418 =200 /;\n    return 200 fine;\n}\n",
        REPORT => "==1==ERROR: AddressSanitizer: heap-use-after-free" },
      qr/Failed test 'nginx ended well'.*heap-use-after-free/s ],
    [ 'the block that passes', {}, qr/./, 'passes' ],
);

plan(tests => 2 * @cases);

for my $case (@cases) {
    my ($name, $section, $says, $passes) = @$case;
    my ($status, $output) = run_block($name, { %ok, %$section });

    if ($passes) {
        is($status, 0, "$name: passes") or diag($output);
    } else {
        isnt($status, 0, "$name: fails");
    }

    like($output, $says, "$name: and says so");
}


sub run_block {
    my ($name, $section) = @_;

    my $crash  = delete $section->{CRASH};
    my $report = delete $section->{REPORT};
    my %env    = delete $section->{IMPATIENT}
        ? (TEST_NGINX_TIMEOUT => 6) : ();
    my $text   = "use lib 't/lib';\nuse AwsSigV4;\n"
        . "default_section(no_module => '');\n";

    # Something happens to nginx when the block has been checked.
    $text .= "use AwsSigV4::Nginx;\nno warnings;\n"
        . "my \$stop = \\&AwsSigV4::Nginx::stop_it;\n"
        . "*AwsSigV4::Nginx::stop_it = sub {\n" if $crash || $report;
    $text .= "    my (\$self) = \@_;\n    kill '$crash', \$self->workers;\n"
        . "    wait_for(sub { slurp(\$self->error_log) =~ /exited/ });\n"
        . "    return \$stop->(\@_);\n};\n" if $crash;
    $text .= "    open my \$fh, '>>', \$_[0]->error_log;\n"
        . "    print {\$fh} q($report), qq(\\n);\n    close \$fh;\n"
        . "    return \$stop->(\@_);\n};\n" if $report;

    $text .= "run_tests();\n\n__DATA__\n\n=== $name\n";

    for my $key (sort keys %$section) {
        my $value = $section->{$key};
        $text .= $value =~ /\n/ ? "--- $key\n$value"
            : length $value ? "--- $key: $value\n" : "--- $key\n";
    }

    spew("$dir/block.t", $text);
    unlink "$dir/output";

    my $pid = spawn(command => [ $^X, "$dir/block.t" ],
                    output => "$dir/output", env => \%env);
    wait_for(sub { !is_running($pid) }, 120);

    return (stop($pid), slurp("$dir/output"));
}
