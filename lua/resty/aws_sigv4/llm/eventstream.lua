-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Decoder of application/vnd.amazon.eventstream, for bytes that come in
-- pieces of any size.
--
--     decoder = eventstream.new(limit)
--     frames, err = decoder:feed(bytes)
--         an array of { headers = {}, payload = "" }; with an error the
--         frames before it, or nil where there are none
--     ok, err = decoder:finish()
--         true, or nil and "truncated" or the error that came before
--
-- Errors: bad_prelude_crc bad_message_crc bad_length bad_header too_large
-- truncated.  Nothing follows an error: a stream has no mark to find the
-- next frame by.


local ffi = require "ffi"


local byte = string.byte
local concat = table.concat
local crc32 = ngx.crc32_long
local format = string.format
local gsub = string.gsub
local setmetatable = setmetatable
local sub = string.sub


local _M = { version = "0.1.0" }


local PRELUDE = 12
local OVERHEAD = 16
local DEFAULT_LIMIT = 16 * 1024 * 1024

-- so many pieces are joined to one before more are collected: a frame that
-- comes byte by byte must not cost a slot of a table for each
local PIECES = 512

local EXACT = 2 ^ 53

local int64 = ffi.typeof("int64_t")


local mt = { __index = _M }


-- limit: of a frame with all its fields

function _M.new(limit)
    return setmetatable({
        limit = limit or DEFAULT_LIMIT,
        joined = {}, joined_n = 0,
        pieces = {}, pieces_n = 0,
        size = 0, need = PRELUDE,
    }, mt)
end


local function uint16(s, i)
    local a, b = byte(s, i, i + 1)

    return a * 256 + b
end


local function uint32(s, i)
    local a, b, c, d = byte(s, i, i + 3)

    return ((a * 256 + b) * 256 + c) * 256 + d
end


local function signed(value, limit)
    return value < limit and value or value - 2 * limit
end


-- a number where that is exact

local function sint64(s, i)
    local high = signed(uint32(s, i), 2 ^ 31)
    local low = uint32(s, i + 4)
    local value = high * 2 ^ 32 + low

    if value >= -EXACT and value <= EXACT then
        return value
    end

    return int64(high) * int64(2 ^ 32) + int64(low)
end


local function uuid(s, i)
    local hex = gsub(sub(s, i, i + 15), ".", function (c)
        return format("%02x", byte(c))
    end)

    return sub(hex, 1, 8) .. "-" .. sub(hex, 9, 12) .. "-" .. sub(hex, 13, 16)
           .. "-" .. sub(hex, 17, 20) .. "-" .. sub(hex, 21)
end


-- by type: the length of the value, and what reads it at a position

local fixed = {
    [0] = 0, [1] = 0, [2] = 1, [3] = 2, [4] = 4, [5] = 8, [8] = 8, [9] = 16,
}

local readers = {
    [0] = function () return true end,
    [1] = function () return false end,
    [2] = function (s, i) return signed(byte(s, i), 2 ^ 7) end,
    [3] = function (s, i) return signed(uint16(s, i), 2 ^ 15) end,
    [4] = function (s, i) return signed(uint32(s, i), 2 ^ 31) end,
    [5] = sint64,
    [8] = sint64,
    [9] = uuid,
}


-- The headers from i to the byte before limit, or nil.

local function parse_headers(s, i, limit)
    local headers = {}

    while i < limit do
        local name_len = byte(s, i)
        local at = i + 1 + name_len     -- of the type

        if name_len == 0 or at >= limit then
            return nil
        end

        local name = sub(s, i + 1, at - 1)
        local kind = byte(s, at)
        local from, len = at + 1, fixed[kind]

        if kind == 6 or kind == 7 then
            if from + 2 > limit then
                return nil
            end

            len = uint16(s, from)
            from = from + 2
        end

        if len == nil or from + len > limit then
            return nil
        end

        if kind == 6 or kind == 7 then
            headers[name] = sub(s, from, from + len - 1)

        else
            headers[name] = readers[kind](s, from)
        end

        i = from + len
    end

    return headers
end


-- The length of the frame at i, whose prelude is there.

local function prelude(self, s, i)
    if crc32(sub(s, i, i + 7)) ~= uint32(s, i + 8) then
        return nil, "bad_prelude_crc"
    end

    local total = uint32(s, i)

    if total < OVERHEAD or uint32(s, i + 4) > total - OVERHEAD then
        return nil, "bad_length"
    end

    if total > self.limit then
        return nil, "too_large"
    end

    return total
end


local function frame(s, i, total)
    local last = i + total - 5

    if crc32(sub(s, i, last)) ~= uint32(s, last + 1) then
        return nil, "bad_message_crc"
    end

    local payload = i + PRELUDE + uint32(s, i + 4)
    local headers = parse_headers(s, i + PRELUDE, payload)

    if headers == nil then
        return nil, "bad_header"
    end

    return { headers = headers, payload = sub(s, payload, last) }
end


local function keep(self, s)
    if s == "" then
        return
    end

    local n = self.pieces_n + 1

    self.pieces[n] = s
    self.pieces_n = n
    self.size = self.size + #s

    if n == PIECES then
        self.joined_n = self.joined_n + 1
        self.joined[self.joined_n] = concat(self.pieces, "", 1, n)
        self.pieces = {}
        self.pieces_n = 0
    end
end


-- All that was kept, which is kept no longer.

local function take(self)
    local s = concat(self.pieces, "", 1, self.pieces_n)

    if self.joined_n > 0 then
        s = concat(self.joined, "", 1, self.joined_n) .. s
        self.joined = {}
        self.joined_n = 0
    end

    self.pieces = {}
    self.pieces_n = 0
    self.size = 0

    return s
end


local function fail(self, err, frames)
    take(self)
    self.err = err

    return frames[1] and frames or nil, err
end


function _M.feed(self, bytes)
    local frames, n = {}, 0

    if self.err then
        return nil, self.err
    end

    keep(self, bytes)

    if self.size < self.need then
        return frames
    end

    local s, i = take(self), 1
    local total = self.total
    local err

    while true do
        local rest = #s - i + 1

        if total == nil then
            if rest < PRELUDE then
                self.need = PRELUDE
                break
            end

            total, err = prelude(self, s, i)

            if total == nil then
                return fail(self, err, frames)
            end
        end

        if rest < total then
            self.need = total
            break
        end

        n = n + 1
        frames[n], err = frame(s, i, total)

        if frames[n] == nil then
            return fail(self, err, frames)
        end

        i = i + total
        total = nil
    end

    self.total = total
    keep(self, i == 1 and s or sub(s, i))

    return frames
end


function _M.finish(self)
    if self.err == nil and self.size > 0 then
        self.err = "truncated"
    end

    if self.err then
        return nil, self.err
    end

    return true
end


return _M
