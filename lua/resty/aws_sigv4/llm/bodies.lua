-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The body of an answer, piece by piece: as it came, or as its mode says.
--
--     bodies.filter(s, answer)     in the body filter, with what head.lua made


local errors = require "resty.aws_sigv4.llm.errors"
local foreign = require "resty.aws_sigv4.llm.foreign"
local upstream = require "resty.aws_sigv4.llm.upstream"


local ngx = ngx
local concat = table.concat
local format = string.format
local sub = string.sub


local _M = { version = "0.1.0" }


local MAX_ERROR = 64 * 1024

local CUT = "The upstream broke off the stream."


local function first_byte(a)
    if a.first == nil then
        a.first = true
        ngx.var.llm_first_token = format("%.3f", ngx.now()
                                                 - ngx.req.start_time())
    end
end


-- nginx flushes an empty buffer when an upstream has broken off, and at the
-- begin of an answer; there is a time of the response after its end only.

local function is_last(chunk, eof)
    return eof or chunk == "" and upstream.has_ended()
end


-- Bytes that are no HTTP are HTTP/0.9 to nginx, which answers in kind: to a
-- client of HTTP/1 without a head.  That is made here then.

local function head_of(code, body)
    return format("HTTP/1.1 %d %s\r\n"
                  .. "Content-Type: application/json\r\n"
                  .. "Content-Length: %d\r\n"
                  .. "Connection: close\r\n\r\n",
                  errors.status(code), "Bad Gateway", #body)
end


-- What of it the header filter has not looked at.

local function unread(a, chunk)
    local read = a.read

    if not read then
        return chunk
    end

    a.read = #chunk < read and read - #chunk or nil

    return sub(chunk, read + 1)
end


local modes = {}


function modes.replace(s, a)
    if a.done then
        ngx.arg[1] = nil
        return
    end

    local body = errors.body(s.dialect, a.code, a.message, a.request_id)

    a.done = true
    ngx.arg[1] = a.headless and head_of(a.code, body) .. body or body
    ngx.arg[2] = true
end


modes["error"] = function (s, a, chunk, eof)
    if chunk ~= "" and not a.overflow then
        a.size = a.size + #chunk

        if a.size > MAX_ERROR then
            a.overflow = true
            a.parts = {}

        else
            a.parts[#a.parts + 1] = chunk
        end
    end

    if not is_last(chunk, eof) then
        ngx.arg[1] = nil
        return
    end

    local body = not a.overflow and not a.encoded and concat(a.parts) or ""
    local same, code, message = foreign.read(s.dialect, body, a.code,
                                             a.upstream_status, a.errortype)

    ngx.var.llm_error = code
    ngx.arg[1] = same and body
                 or errors.body(s.dialect, code, message, a.request_id)
    ngx.arg[2] = true
end


local function broken(s, a, code, message)
    a.done = true
    ngx.var.llm_error = code

    return errors.event(s.dialect, code, message, a.request_id)
end


function modes.pass(s, a, chunk, eof)
    local tap = a.tap

    if chunk ~= "" then
        first_byte(a)

        if tap then
            tap:feed(chunk)
        end
    end

    local last = is_last(chunk, eof)

    if a.unasked then
        chunk = a.unasked:feed(chunk, last)
        ngx.arg[1] = chunk
    end

    if not a.stream or a.done or tap.ended or tap.failed then
        return
    end

    if last then
        -- what may be left of an event ends here
        local gap = tap:between_events() and "" or "\n\n"

        ngx.arg[1] = chunk .. gap .. broken(s, a, "upstream_error", CUT)
        ngx.arg[2] = true
    end
end


-- Of an answer that is not complete the client must not take what came for the
-- whole.  Where its status was not made to wait for it, all that is left is to
-- break off, before the last byte of those that were announced.

function modes.json(_, a, chunk, eof)
    if chunk ~= "" then
        first_byte(a)
        a.tap:feed(unread(a, chunk))
        a.received = a.received + #chunk
    end

    if (is_last(chunk, eof) or a.received == a.length)
       and not a.tap:is_complete()
    then
        ngx.var.llm_error = "upstream_error"
        ngx.arg[1] = nil

        return ngx.ERROR
    end
end


local function from_frame(s, a, frame)
    local kind, value, code, message = foreign.frame(frame)

    if kind == "event" then
        a.tap:document(value.document)

        if value.type == "message_stop" or value.type == "error" then
            a.ended = true
        end

        if value.type == "message_stop" then
            a.tap.ended = true
        end

        return value.text
    end

    return kind == "error" and broken(s, a, code, message) or ""
end


local function decode(a, chunk)
    local frames, err = a.decoder:feed(unread(a, chunk))
    local all = a.frames

    if not all then
        return frames, err
    end

    a.frames = nil

    for i = 1, frames and #frames or 0 do
        all[#all + 1] = frames[i]
    end

    return all, err
end


function modes.convert(s, a, chunk, eof)
    local out, n = {}, 0

    if a.done then
        ngx.arg[1] = nil
        return
    end

    local frames, err = decode(a, chunk)

    for i = 1, frames and #frames or 0 do
        n = n + 1
        out[n] = from_frame(s, a, frames[i])

        if a.done then
            break
        end
    end

    if not a.done and not a.ended
       and (err or is_last(chunk, eof))
    then
        n = n + 1
        out[n] = broken(s, a, "upstream_error",
                        err and "The stream is damaged." or CUT)
    end

    local text = concat(out)

    if text ~= "" then
        first_byte(a)
    end

    ngx.arg[1] = text

    if a.done then
        ngx.arg[2] = true
    end
end


function _M.filter(s, a)
    return modes[a.mode](s, a, ngx.arg[1], ngx.arg[2])
end


return _M
