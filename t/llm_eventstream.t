# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The decoder of event streams: vectors, frames that botocore reads alike,
# and pieces of every size.

use strict;
use warnings;

use Digest::SHA qw( sha256_hex );
use IPC::Open2  qw( open2 );
use JSON::PP    ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Lua qw( lua_nginx lua_call );
use AwsSigV4::Verifier;

my $json   = JSON::PP->new->utf8->canonical;
my $python = $AwsSigV4::Verifier::PYTHON;

my @vectors = map { [split] } grep { /\S/ } <DATA>;
my %vector  = map { $_->[0] => $_->[1] } @vectors;

my %error = (
    'EN-01' => 'bad_prelude_crc', 'EN-02' => 'bad_message_crc',
    'EN-03' => 'bad_message_crc', 'EN-04' => 'bad_length',
    'EN-05' => 'bad_length',      'EN-06' => 'bad_header',
    'EN-07' => 'bad_header',      'EN-08' => 'bad_header',
    'EN-09' => 'too_large',       'EN-10' => 'truncated',
);

my $code = <<'EOC';
    local eventstream = require "resty.aws_sigv4.llm.eventstream"

    local function unhex(s)
        return (s:gsub("%x%x", function (h)
            return string.char(tonumber(h, 16))
        end))
    end

    local function hex(s)
        return (s:gsub(".", function (c)
            return ("%02x"):format(c:byte())
        end))
    end

    local function value(name, v)
        if type(v) == "boolean" then
            return tostring(v)
        elseif type(v) == "cdata" then
            return "n:" .. tostring(v):gsub("LL$", "")
        elseif type(v) == "number" then
            return ("n:%.0f"):format(v)
        elseif name:sub(1, 4) == "uuid" then
            return "u:" .. v
        end
        return "s:" .. hex(v)
    end

    local bytes = unhex(arg.hex)
    local results, seen = {}, {}

    local function decode(cuts)
        local decoder = eventstream.new(arg.limit)
        local out = { "", "none" }
        local from = 1
        cuts[#cuts + 1] = #bytes
        for _, to in ipairs(cuts) do
            local frames, err = decoder:feed(bytes:sub(from, to))
            for _, frame in ipairs(frames or {}) do
                local names, list = {}, {}
                for name in pairs(frame.headers) do
                    names[#names + 1] = name
                end
                table.sort(names)
                for i, name in ipairs(names) do
                    list[i] = ('"%s":"%s"'):format(name,
                                       value(name, frame.headers[name]))
                end
                out[#out + 1] = ('{"headers":{%s},"payload":"%s"}'):format(
                    table.concat(list, ","), hex(frame.payload))
            end
            if err then
                out[2] = err
                break
            end
            from = to + 1
        end
        if out[2] == "none" then
            local _, err = decoder:finish()
            out[2] = err or "none"
        end
        assert(not decoder:finish() == (out[2] ~= "none"))
        if out[2] ~= "none" then
            assert(decoder:feed("more") == nil)
        end
        out = '{"error":"' .. out[2] .. '","frames":['
              .. table.concat(out, ",", 3) .. "]}"
        if not seen[out] then
            seen[out] = true
            results[#results + 1] = out
        end
    end

    decode({})

    for cut = 1, arg.every and #bytes - 1 or 0 do
        decode({ cut })
    end

    for step = 1, 3 do
        local cuts = {}
        for at = step, #bytes - 1, step do
            cuts[#cuts + 1] = at
        end
        decode(cuts)
    end

    math.randomseed(arg.seed or 1)

    for _ = 1, 20 do
        local cuts, at = {}, 0
        while true do
            at = at + math.random(0, 200)
            if at >= #bytes then
                break
            end
            cuts[#cuts + 1] = at
        end
        decode(cuts)
    end

    return unpack(results)
EOC

my $memory = <<'EOC';
    local eventstream = require "resty.aws_sigv4.llm.eventstream"

    local function uint32(n)
        return string.char(bit.rshift(n, 24), bit.band(bit.rshift(n, 16), 255),
                           bit.band(bit.rshift(n, 8), 255), bit.band(n, 255))
    end

    local head = uint32(arg.total) .. uint32(0)
    head = head .. uint32(ngx.crc32_long(head))

    local decoder = eventstream.new()
    local piece = ("x"):rep(arg.piece)
    local count, got = 0, 0

    collectgarbage()
    local before = collectgarbage("count")
    decoder:feed(head)

    local rest = arg.total - 16
    while rest > 0 do
        local frames = decoder:feed(#piece <= rest and piece
                                    or piece:sub(1, rest))
        got = got + #frames
        rest = rest - #piece
        count = count + 1
    end

    collectgarbage()
    return got, (collectgarbage("count") - before) * 1024 / arg.total
EOC

my $nginx = lua_nginx(decode => $code, memory => $memory);


# what botocore makes of lines of hex

sub botocore {
    my (@lines) = @_;

    my $pid = open2(my $out, my $in, $python, 't/lib/eventstream.py',
                    'decode');

    print {$in} map { "$_\n" } @lines;
    close $in;

    my @list = map { $json->decode($_) } <$out>;
    waitpid $pid, 0;

    return @list;
}


# the one result of all ways to cut the bytes

sub decoded {
    my ($hex, %more) = @_;

    my @results = lua_call($nginx, decode => { hex => $hex, %more });

    is scalar(@results), 1, 'one result, however it is cut';

    return $json->decode($results[0]);
}


subtest 'vectors are what botocore says they are' => sub {
    my @good = grep { $_->[0] =~ /^ES/ } @vectors;
    my @expected = botocore(map { $_->[1] } @good);

    is scalar(@good), 18, 'vectors';

    for my $i (0 .. $#good) {
        my $got = decoded($good[$i][1], every => 1);

        # the header named u is a UUID, which botocore gives as bytes
        if ($good[$i][0] eq 'ES-18') {
            is $got->{frames}[0]{headers}{u},
               's:' . unpack('H*', '01234567-89ab-cdef-0123-456789abcdef'),
               'UUID';
            $got->{frames}[0]{headers}{u}
                = $expected[$i][0]{headers}{u};
        }

        is_deeply $got, { error => 'none', frames => $expected[$i] },
                  $good[$i][0];
    }
};


subtest 'ES-18 has the values it was made of' => sub {
    my $frame = decoded($vector{'ES-18'})->{frames}[0];

    is_deeply $frame, {
        headers => {
            t => 'true', f => 'false', b => 'n:-2', s => 'n:-300',
            i => 'n:70000', l => 'n:-1', y => 's:00ff',
            z => 's:68c3a9', d => 'n:1700000000000',
            u => 's:' . unpack('H*', '01234567-89ab-cdef-0123-456789abcdef'),
        },
        payload => '78',
    }, 'all ten types';
};


subtest 'damaged frames are refused' => sub {
    for my $id (sort keys %error) {
        is_deeply decoded($vector{$id}, every => 1),
                  { error => $error{$id}, frames => [] }, $id;
    }

    # what they lack stands in the payload
    my %short = (
        'a type' =>
            '0000001300000002ac6c5317016100de14a741',
        'half of a length' =>
            '0000001500000004ca4f0382016107000026645a4c',
        'a byte of an int64' =>
            '0000001b0000000a92c790e40161050000000000000000bb018c18',
        'a name' =>
            '0000001500000004ca4f0382016100ff00b00fb1bb',
    );

    for my $what (sort keys %short) {
        is_deeply decoded($short{$what}),
                  { error => 'bad_header', frames => [] },
                  "headers without $what";
    }
};


subtest 'a transcript, cut everywhere' => sub {
    my $hex = join '', map { $vector{sprintf 'ES-%02d', $_} } 2 .. 11;

    is sha256_hex(pack 'H*', $hex),
       'b3dbd658defa8161db7439394b16700b4d2571338eb89ac8b284e387d6b248a4',
       'transcript';

    my ($expected) = botocore($hex);

    is_deeply decoded($hex, every => 1),
              { error => 'none', frames => $expected }, 'ten frames';

    for my $id (sort grep { $_ ne 'EN-10' } keys %error) {
        is_deeply decoded($hex . $vector{$id} . $vector{'ES-05'}),
                  { error => $error{$id}, frames => $expected },
                  "frames before $id are given, and none after it";
    }

    is_deeply decoded($hex . substr($vector{'ES-05'}, 0, 6)),
              { error => 'truncated', frames => $expected },
              'an end within the first four bytes';
};


subtest 'random frames' => sub {
    open my $pipe, '-|', $python, 't/lib/eventstream.py', 'random', 7, 150
        or die "python: $!";

    my (@hex, @frames);

    while (<$pipe>) {
        my ($hex, $expected) = split ' ', $_, 2;
        push @hex, $hex;
        push @frames, $json->decode($expected)->[0];
    }

    close $pipe;

    for my $part (0 .. 4) {
        my @list = ($part * 30 .. $part * 30 + 29);

        is_deeply decoded(join('', @hex[@list]), seed => $part),
                  { error => 'none', frames => [ @frames[@list] ] },
                  'as botocore reads them';
    }
};


subtest 'limits' => sub {
    my $hex = $vector{'ES-05'};

    is decoded($hex, limit => 125)->{error}, 'none', 'at the limit';
    is decoded($hex, limit => 124)->{error}, 'too_large', 'above it';
    is decoded(substr($hex, 0, 24), limit => 124)->{error}, 'too_large',
       'refused when the prelude has come';
    is decoded(substr($hex, 0, 22), limit => 124)->{error}, 'truncated',
       'and not before';
};


subtest 'memory' => sub {
    for my $case ([ 1 << 20, 1 ], [ 16 << 20, 1000 ]) {
        my ($frames, $ratio)
            = lua_call($nginx, memory => { total => $case->[0],
                                           piece => $case->[1] });

        is $frames, 0, "a frame in pieces of $case->[1] is awaited";
        cmp_ok $ratio, '<', 3, 'in little more memory than it has bytes';
    }
};


is_deeply [$nginx->stop_it], [], 'nginx ends well';

done_testing();

__DATA__
ES-01 000000100000000005c248eb7d98c8ff
ES-02 00000081000000526cc176930b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2270223a2261626364222c22726f6c65223a22617373697374616e74227df512a005
ES-03 000000a6000000576f4a71080b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a2248656c6c6f227d2c2270223a226162636465666768227d3afb5d9c
ES-04 00000099000000574c3b5e5f0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a2220c3a9f09f9982227d7d0f4ffe3e
ES-05 0000007d00000056e6680fd60b3a6576656e742d74797065070010636f6e74656e74426c6f636b53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a307db32e4d34
ES-06 000000c20000005703f8a0850b3a6576656e742d74797065070011636f6e74656e74426c6f636b53746172740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a312c227374617274223a7b22746f6f6c557365223a7b226e616d65223a226765745f77656174686572222c22746f6f6c5573654964223a22746f6f6c7573655f4131227d7d7da0d9be43
ES-07 000000a900000057ed1ae6d90b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a312c2264656c7461223a7b22746f6f6c557365223a7b22696e707574223a227b5c22636974795c223a227d7d7d0f8ba507
ES-08 000000a900000057ed1ae6d90b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a312c2264656c7461223a7b22746f6f6c557365223a7b22696e707574223a225c2250617269735c227d227d7d7d8effe629
ES-09 0000007d00000056e6680fd60b3a6576656e742d74797065070010636f6e74656e74426c6f636b53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a317daa357c75
ES-10 0000007a00000051ca2c46650b3a6576656e742d7479706507000b6d65737361676553746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2273746f70526561736f6e223a22746f6f6c5f757365227d9dcb2981
ES-11 000000f00000004ebc72e3a30b3a6576656e742d747970650700086d657461646174610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226d657472696373223a7b226c6174656e63794d73223a3831327d2c227573616765223a7b22636163686552656164496e707574546f6b656e73223a3130302c2263616368655772697465496e707574546f6b656e73223a32302c22696e707574546f6b656e73223a31322c226f7574707574546f6b656e73223a33342c22746f74616c546f6b656e73223a3136367d7d1eafa6b4
ES-12 000000aa00000057aaba9c090b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b22726561736f6e696e67436f6e74656e74223a7b2274657874223a22486d6d227d7d7df7f86013
ES-13 000000b00000005780ea132a0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b22726561736f6e696e67436f6e74656e74223a7b227369676e6174757265223a2263326c6e227d7d7d1dc84fc6
ES-14 0000008f000000616c21a9e40f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22736c6f7720646f776e20287465737429227d09c64475
ES-15 000000b1000000679b530a360f3a657863657074696f6e2d747970650700196d6f64656c53747265616d4572726f72457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a2273747265616d2062726f6b6520287465737429222c226f726967696e616c537461747573436f6465223a3530307db16c0ea1
ES-16 0000005800000048154692c10d3a6d6573736167652d747970650700056572726f720b3a6572726f722d636f646507000d496e7465726e616c4572726f720e3a6572726f722d6d657373616765070004626f6f6d961cb456
ES-17 000000850000004bfd2a78930b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f6963476c755a794a39222c2270223a22616263227d730336a1
ES-18 0000005f0000004e4e05ebe4017400016601016202fe017303fed401690400011170016c05ffffffffffffffff017906000200ff017a07000368c3a90164080000018bcfe568000175090123456789abcdef0123456789abcdef78cd4a5e4e
EN-01 0000007d00000056e6680fd70b3a6576656e742d74797065070010636f6e74656e74426c6f636b53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a307db32e4d34
EN-02 0000007d00000056e6680fd60b3a6576656e742d74797065070010636f6e74656e74426c6f636b53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a307db32e4d35
EN-03 0000007d00000056e6680fd60b3a6576656e742d74797065070010636f6e74656e74426c6f636b53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a317db32e4d34
EN-04 0000000f00000000e77248b8000000
EN-05 000000100000000172c5787d75756f6d
EN-06 0000001700000007298601580161070005626360782258
EN-07 0000001300000003db6b638101610affab9622
EN-08 0000001200000002910c7aa700007bc1361e
EN-09 7fffffff00000000acc47a25
EN-10 0000007d00000056e6680fd60b3a6576656e742d74797065070010636f6e74656e74426c6f636b53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a307db32e4d
