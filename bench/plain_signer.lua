-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Signature Version 4 as plain Lua has it on Debian: SHA-256 by the bit
-- library, the signing key kept for the day.  For comparison alone.


local bit = require "bit"

local band = bit.band
local bnot = bit.bnot
local bxor = bit.bxor
local char = string.char
local concat = table.concat
local ror = bit.ror
local rshift = bit.rshift
local sort = table.sort
local tobit = bit.tobit


local _M = {}


local K, H = {}, {}

do
    local n, candidate = 0, 2

    local function fraction(x)
        return tobit(math.floor((x - math.floor(x)) * 4294967296))
    end

    while n < 64 do
        local prime = true

        for i = 2, math.floor(candidate ^ 0.5) do
            if candidate % i == 0 then
                prime = false
                break
            end
        end

        if prime then
            n = n + 1
            K[n] = fraction(candidate ^ (1 / 3))
            if n <= 8 then
                H[n] = fraction(candidate ^ 0.5)
            end
        end

        candidate = candidate + 1
    end
end


local w = {}


local function word(n)
    return char(band(rshift(n, 24), 255), band(rshift(n, 16), 255),
                band(rshift(n, 8), 255), band(n, 255))
end


local function block(s, from, h)
    for i = 1, 16 do
        local a, b, c, d = s:byte(from + 4 * i - 4, from + 4 * i - 1)
        w[i] = tobit(a * 16777216 + b * 65536 + c * 256 + d)
    end

    for i = 17, 64 do
        local x, y = w[i - 15], w[i - 2]
        w[i] = tobit(w[i - 16] + w[i - 7]
                     + bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
                     + bxor(ror(y, 17), ror(y, 19), rshift(y, 10)))
    end

    local a, b, c, d = h[1], h[2], h[3], h[4]
    local e, f, g, k = h[5], h[6], h[7], h[8]

    for i = 1, 64 do
        local t = tobit(k + bxor(ror(e, 6), ror(e, 11), ror(e, 25))
                        + bxor(band(e, f), band(bnot(e), g)) + K[i] + w[i])
        local u = tobit(bxor(ror(a, 2), ror(a, 13), ror(a, 22))
                        + bxor(band(a, b), band(a, c), band(b, c)))

        k, g, f, e, d, c, b, a = g, f, e, tobit(d + t), c, b, a, tobit(t + u)
    end

    h[1], h[2] = tobit(h[1] + a), tobit(h[2] + b)
    h[3], h[4] = tobit(h[3] + c), tobit(h[4] + d)
    h[5], h[6] = tobit(h[5] + e), tobit(h[6] + f)
    h[7], h[8] = tobit(h[7] + g), tobit(h[8] + k)
end


local function sha256(s)
    local h = { H[1], H[2], H[3], H[4], H[5], H[6], H[7], H[8] }
    local len = #s

    s = s .. "\128" .. ("\0"):rep((55 - len) % 64) .. word(0) .. word(len * 8)

    for from = 1, #s, 64 do
        block(s, from, h)
    end

    return word(h[1]) .. word(h[2]) .. word(h[3]) .. word(h[4]) .. word(h[5])
           .. word(h[6]) .. word(h[7]) .. word(h[8])
end


local function pad(key, with)
    local out = {}

    for i = 1, 64 do
        out[i] = char(bxor(key:byte(i) or 0, with))
    end

    return concat(out)
end


local function hmac(key, s)
    if #key > 64 then
        key = sha256(key)
    end

    return sha256(pad(key, 0x5c) .. sha256(pad(key, 0x36) .. s))
end


local function hex(s)
    return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end


local function encode(s, keep)
    return (s:gsub("[^%w%-%._~" .. keep .. "]", function(c)
        return ("%%%02X"):format(c:byte())
    end))
end


local keys = {}


local function signing_key(secret, date, region, service)
    local name = date .. "/" .. region .. "/" .. service

    if not keys[name] then
        keys[name] = hmac(hmac(hmac(hmac("AWS4" .. secret, date), region),
                               service), "aws4_request")
    end

    return keys[name]
end


local function canonical_query(query)
    local parameters = {}

    for name, value in query:gmatch("([^&=]+)=?([^&]*)") do
        parameters[#parameters + 1] = encode(ngx.unescape_uri(name), "") .. "="
                              .. encode(ngx.unescape_uri(value), "")
    end

    sort(parameters)

    return concat(parameters, "&")
end


-- method, host, path, query, headers, body, region, service, akid, secret

function _M.sign(t, datetime)
    local hash = hex(sha256(t.body))
    local fields = {
        host = t.host,
        ["x-amz-date"] = datetime,
        ["x-amz-content-sha256"] = hash,
    }

    for name, value in pairs(t.headers) do
        fields[name:lower()] = value
    end

    local names, lines = {}, {}

    for name in pairs(fields) do
        names[#names + 1] = name
    end

    sort(names)

    for i, name in ipairs(names) do
        lines[i] = name .. ":" .. fields[name]:gsub("^%s+", "")
                                              :gsub("%s+$", "")
                                              :gsub("%s+", " ") .. "\n"
    end

    local signed = concat(names, ";")
    local date = datetime:sub(1, 8)
    local scope = date .. "/" .. t.region .. "/" .. t.service
                  .. "/aws4_request"
    local canonical = concat({ t.method, encode(t.path, "/"),
                               canonical_query(t.query), concat(lines),
                               signed, hash }, "\n")
    local text = concat({ "AWS4-HMAC-SHA256", datetime, scope,
                          hex(sha256(canonical)) }, "\n")
    local key = signing_key(t.secret, date, t.region, t.service)

    return "AWS4-HMAC-SHA256 Credential=" .. t.akid .. "/" .. scope
           .. ", SignedHeaders=" .. signed .. ", Signature="
           .. hex(hmac(key, text))
end


return _M
