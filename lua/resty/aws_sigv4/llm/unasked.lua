-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Takes out of a stream of OpenAI's API the event with the usage, which the
-- gateway has asked for and the client has not, and the "usage":null that all
-- other events have then.
--
--     filter = unasked.new()
--     bytes = filter:feed(bytes, last)
--         what may go on; `last`: nothing follows
--
-- An event goes on when it is whole: most come so.


local cjson = require "cjson.safe"


local concat = table.concat
local decode = cjson.decode
local find = string.find
local gmatch = string.gmatch
local gsub = string.gsub
local next = next
local null = cjson.null
local setmetatable = setmetatable
local sub = string.sub
local type = type


local _M = { version = "0.1.0" }


-- larger than any event with the usage alone
local MAX_EVENT = 64 * 1024


local mt = { __index = _M }


function _M.new()
    return setmetatable({ rest = "", large = false }, mt)
end


-- what a member is removed with: the comma before it, or else the one behind

local function without_null(event)
    local _, count = gsub(event, '"usage"%s*:', "")

    -- one that lies deeper is not ours
    if count ~= 1 then
        return event
    end

    local text, removed = gsub(event, ',%s*"usage"%s*:%s*null', "")

    if removed == 0 then
        text = gsub(event, '"usage"%s*:%s*null%s*,%s*', "")
    end

    return text
end


-- which may be in several lines

local function data_of(event)
    local lines, n = {}, 0

    for line in gmatch(gsub("\n" .. event, "\r\n?", "\n"),
                       "\ndata:([^\n]*)")
    do
        n = n + 1
        lines[n] = line
    end

    return concat(lines, "\n")
end


-- The event with the usage has no choices; one at the begin that has none
-- either has no usage.

local function cleaned(event)
    if not find(event, '"usage"', 1, true) then
        return event
    end

    local value = decode(data_of(event))

    if type(value) ~= "table" then
        return event
    end

    if value.usage == null then
        return without_null(event)
    end

    if type(value.usage) == "table" and type(value.choices) == "table"
       and next(value.choices) == nil
    then
        return ""
    end

    return event
end


-- the end of the event that begins at i, an empty line with it

local function end_of(bytes, i)
    local _, lf = find(bytes, "\n\r?\n", i)
    local _, cr = find(bytes, "\r\r", i, true)

    return lf and cr and (cr < lf and cr or lf) or lf or cr
end


function _M.feed(self, bytes, last)
    local out, n, i = {}, 0, 1

    bytes = self.rest .. bytes
    self.rest = ""

    while i <= #bytes do
        local to = end_of(bytes, i)
        local event = sub(bytes, i, to or #bytes)

        if to == nil and not last and not self.large
           and #event <= MAX_EVENT
        then
            self.rest = event
            break
        end

        n = n + 1
        out[n] = self.large and event or cleaned(event)

        -- what is left of one that was too large to be held
        self.large = to == nil
        i = (to or #bytes) + 1
    end

    return concat(out)
end


return _M
