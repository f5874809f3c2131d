# SPDX-License-Identifier: BSD-2-Clause
"""Bedrock, LM Studio and their like on loopback, for tests of the front.

    eventstream   frames of application/vnd.amazon.eventstream
    question      what a request asks: route, dialect, model, images, tools
    completion    what is answered: text or a tool call, and usage
    openai        chat, responses, embeddings and models of OpenAI
    anthropic     messages of Anthropic
    bedrock       converse and invoke
    behaviour     what happens instead: rules of a test, names of models
    gates         tokens that leave only when a test says so
    access        who may ask: signatures, keys, what may not have come
    server        sockets, threads, the log, the control connection
"""
