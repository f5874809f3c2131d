# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Gateway;

=encoding utf8

=head1 NAME

AwsSigV4::Gateway - the LLM gateway of examples/llm-gateway in a test

=head1 SYNOPSIS

    use AwsSigV4;
    use AwsSigV4::Gateway;
    use AwsSigV4::LLM;

    my $llm     = AwsSigV4::LLM->new;
    my $gateway = start_gateway($llm, table => <<'EOT');
        return { models = { a = {
            { route = "runtime-openai", url = "$TEST_LLM_US",
              model = "a-1", region = "us-east-1" },
        } } }
    EOT

    my $response = $llm->post($gateway, '/v1/chat/completions', { … });

=head1 FUNCTIONS

=over

=item start_gateway($llm, %arg)

An nginx with the locations of the gateway: C<table>, text of the file of
models, C<$TEST_DIR/models.lua>; C<callers>, of the file of callers; C<files>,
a list of [name, mode, content]; C<config>, C<http_config> and
C<main_config>, added to that of the server, of http and of the main level;
C<variables>, a list of names for the access log; C<values>, further
placeholders.  $llm is an L<AwsSigV4::LLM>, or undef.

=item gateway_config(%arg)

The same as arguments for C<start_nginx>.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use AwsSigV4;

our @EXPORT = qw(start_gateway gateway_config);

our @VARIABLES = qw(
    llm_caller llm_dialect llm_alias llm_model llm_target llm_region
    llm_attempts llm_stream llm_prompt_tokens llm_completion_tokens
    llm_cached_tokens llm_first_token llm_error llm_authorization
    llm_x_api_key llm_api_key llm_goog_api_key
);

my $http = <<'EOC';
lua_package_path "$TEST_LUA/?.lua;;";
lua_shared_dict llm 1m;

aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider other static
    access_key_id=$TEST_OTHER_AKID secret_access_key=$TEST_OTHER_SECRET;
aws_sigv4_provider temporary static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
EOC

my $server = <<'EOC';
aws_sigv4_allow_hosts *.amazonaws.com *.amazonaws.com.cn *.api.aws
                      127.0.0.1;

include $TEST_ROOT/examples/llm-gateway/llm-variables.conf;
include $TEST_ROOT/examples/llm-gateway/llm-locations.conf;
EOC

sub gateway_config {
    my (%arg) = @_;

    my ($cert, $key) = make_cert();
    my @files   = ([ 'models.lua', 0644, $arg{table} ],
                   @{ $arg{files} || [] });
    my $callers = '';

    if (defined $arg{callers}) {
        push @files, [ 'callers.lua', 0644, $arg{callers} ];
        $callers = 'callers = "$TEST_DIR/callers.lua",';
    }

    my $init = 'init_by_lua_block { require("resty.aws_sigv4.llm").init{'
        . "$callers table = \"\$TEST_DIR/models.lua\", dict = \"llm\" } }\n";

    return (
        modules_before => [qw(ndk_http_module ngx_http_lua_module)],
        main_config    => $arg{main_config} // '',
        http_config    => $http . $init . ($arg{http_config} // ''),
        config         => "proxy_ssl_trusted_certificate $cert;\n"
            . $server . ($arg{config} // ''),
        files          => \@files,
        variables      => [ @VARIABLES, @{ $arg{variables} || [] } ],
        values         => $arg{values} || {},
        log_level      => $arg{log_level} // 'info',
    );
}

sub start_gateway {
    my ($llm, %arg) = @_;

    $arg{values} = { ($llm ? %{ $llm->values } : ()),
                     %{ $arg{values} || {} } };

    return start_nginx(gateway_config(%arg));
}

1;
