# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Sts;

# Runs t/lib/sts-server: a role for which it gives the temporary keys that
# the verifier knows, to those who have its other keys or a web identity.

use strict;
use warnings;

use parent 'AwsSigV4::Credentials';

use AwsSigV4 ();
use AwsSigV4::Process qw(slurp);

our $ROLE   = 'arn:aws:iam::123456789012:role/gateway';
our $FIRST  = 'arn:aws:iam::111111111111:role/first/hop';
our $TOKEN  = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ+/c3lzdGVtIn0.c2lnbmF0dXJl';
our @SECOND = ('ASIAFIRSTHOP', 'firstHopSecret/0123456789+abcdefgEXAMPLE',
               'FirstHopTokenEXAMPLE//with/slashes+and==');

sub script    { return 'sts-server' }
sub arguments { return AwsSigV4::make_cert() }

sub defaults {
    my ($self, $keys) = @_;

    return (
        keys     => [ [ @$keys{qw(AKID SECRET)}, '' ],
                      [ @$keys{qw(OTHER_AKID OTHER_SECRET)}, '' ] ],
        tokens   => [$TOKEN],
        region   => 'eu-west-1',
        sessions => {
            $ROLE  => [ @$keys{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)} ],
            $FIRST => \@SECOND,
        },
    );
}

sub tls_url {
    my ($self) = @_;

    return 'https://localhost:' . (slurp("$self->{dir}/tls") =~ /(\d+)/)[0];
}

# The forms that arrived since the mark; a refused one has a "fault".
sub forms {
    my ($self) = @_;

    return map { { %{ $_->{form} },
                   $_->{fault} ? (fault => join ' ', @{ $_->{fault} })
                               : () } } $self->AwsSigV4::Credentials::requests;
}

1;
