/** The HTTP contract of the agents application: pure Zod and plain types, shared by server, web app, benchmark and OpenAPI. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

// Agents ---------------------------------------------------------------------------------------------------------

/** modelRef names a model; `connectionId` null is the built-in offline model. */
export const modelRef = z.strictObject({
  connectionId: id.nullable(),
  model: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .meta({ examples: ['gpt-5-mini', 'offline'] }),
});

/** tone colours how an agent writes; null leaves it to the instructions. */
export const tone = z.enum(['neutral', 'friendly', 'formal', 'concise', 'playful']);

const suggestedQuestions = z.array(z.string().trim().min(1).max(200)).max(6);

const agentFields = {
  name: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .meta({ examples: ['Help desk'] }),
  description: z
    .string()
    .trim()
    .max(500)
    .meta({ examples: ['Answers questions about shipping and returns'] }),
  instructions: z
    .string()
    .max(20_000)
    .meta({ examples: ['You help customers of a small bicycle shop.'] }),
  model: modelRef,
  temperature: z.number().min(0).max(2).nullable(),
  greeting: z
    .string()
    .trim()
    .max(1_000)
    .meta({ examples: ['Hello! What can I do for you?'] }),
  suggestedQuestions: suggestedQuestions.meta({ examples: [['How long does shipping take?']] }),
  tone: tone.nullable(),
};

/** agentSummary is an agent in a list: without its instructions, which may be long. */
export const agentSummary = z.strictObject({
  id,
  name: agentFields.name,
  description: agentFields.description,
  model: modelRef,
  documentCount: z.int().min(0).describe('Documents in its knowledge'),
  conversationCount: z.int().min(0).describe('Conversations of the caller with it'),
  createdAt: timestamp,
  updatedAt: timestamp,
});

/** agent is an agent whole. `revision` grows by one with every change. */
export const agent = z.strictObject({
  id,
  ...agentFields,
  revision: z.int().min(1),
  documentCount: z.int().min(0),
  conversationCount: z.int().min(0),
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const newAgent = z.strictObject({
  name: agentFields.name,
  description: agentFields.description.default(''),
  instructions: agentFields.instructions.default(''),
  model: modelRef.default({ connectionId: null, model: 'offline' }),
  temperature: agentFields.temperature.default(null),
  greeting: agentFields.greeting.default(''),
  suggestedQuestions: suggestedQuestions.default([]),
  tone: tone.nullable().default(null),
});

/** agentPatch changes the fields it names; `revision` is the one the caller has seen, another answers 409. */
export const agentPatch = z.strictObject({ revision: z.int().min(1), ...z.strictObject(agentFields).partial().shape });

// Knowledge ------------------------------------------------------------------------------------------------------

export const documentState = z.enum(['queued', 'processing', 'ready', 'failed']);

/** document is one file of an agent's knowledge. `progress` is 0 to 100 and moves while it is being read. */
export const document = z.strictObject({
  id,
  agentId: id,
  title: z.string(),
  filename: z.string(),
  contentType: z.enum(['text/plain', 'text/markdown', 'application/pdf']),
  sizeBytes: z.int().min(0),
  state: documentState,
  progress: z.int().min(0).max(100),
  passageCount: z.int().min(0),
  pageCount: z.int().min(1).nullable().describe('Pages of a PDF, else null'),
  error: z
    .strictObject({ code: z.string(), detail: z.string(), isRetryable: z.boolean() })
    .nullable()
    .describe('Why a failed document could not be read'),
  createdAt: timestamp,
  updatedAt: timestamp,
});

const passagePlace = {
  id,
  documentId: id,
  position: z.int().min(0).describe('Order in the document, from 0'),
  headings: z.array(z.string()).describe('Headings above it, outermost first'),
  page: z.int().min(1).nullable().describe('Page of a PDF, from 1, else null'),
  text: z.string(),
};

/** passage is one piece of a document, as it is found and cited. */
export const passage = z.strictObject(passagePlace);

/** passageDetail is what a citation opens; the neighbours give context. */
export const passageDetail = z.strictObject({
  ...passagePlace,
  documentTitle: z.string(),
  agentId: id,
  previousPassageId: id.nullable(),
  nextPassageId: id.nullable(),
});

// Conversations --------------------------------------------------------------------------------------------------

/** conversation is a chat of the caller with an agent. While `activeRunId` is set, follow `/runs/{activeRunId}/events`. */
export const conversation = z.strictObject({
  id,
  agentId: id,
  agentName: z.string(),
  title: z.string().describe('Empty until the first question names it'),
  messageCount: z.int().min(0),
  activeRunId: id.nullable(),
  createdAt: timestamp,
  updatedAt: timestamp.describe('When the last message was written; lists are sorted by it, newest first'),
});

/** citation is a passage that the answer points at as `[number]`. */
export const citation = z.strictObject({
  number: z.int().min(1),
  passageId: id,
  documentId: id,
  documentTitle: z.string(),
  page: z.int().min(1).nullable(),
  excerpt: z.string(),
});

export const usage = z.strictObject({
  inputTokens: z.int().min(0),
  cachedInputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  isEstimated: z.boolean(),
  costMicros: z.int().min(0).nullable().describe('Millionths of a US dollar'),
  firstTokenMilliseconds: z.number().min(0).nullable(),
  durationMilliseconds: z.number().min(0),
});

export const messageState = z.enum(['complete', 'streaming', 'stopped', 'failed']);

/** message is one turn. An answer that is `streaming` has its text in the events of `runId`, not here. */
export const message = z.strictObject({
  id,
  conversationId: id,
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  state: messageState,
  error: z
    .strictObject({ code: z.string(), detail: z.string(), isRetryable: z.boolean() })
    .nullable()
    .describe('Why a failed answer ended; its text so far is kept'),
  citations: z.array(citation),
  model: modelRef.nullable().describe('Which model wrote it; null for a person'),
  usage: usage.nullable(),
  runId: id.nullable(),
  clientMessageId: id.nullable(),
  createdAt: timestamp,
});

export const newMessage = z.strictObject({
  text: z
    .string()
    .trim()
    .min(1)
    .max(32_000)
    .meta({ examples: ['How long does shipping take?'] }),
  clientMessageId: id.optional().describe('Made by the client; sending the same one again gives the first answer'),
});

/** turn is an accepted message and the run that answers it. */
export const turn = z.strictObject({
  message: message.describe("The person's message"),
  answer: message.describe('The answer that is being written'),
  run: z.strictObject({ id }),
});

// Events of a turn's run, besides those every run has (attempt-started, step-started, text-delta, reasoning-delta) -----

/** turnStarted is the data of `turn-started`. */
export const turnStarted = z.strictObject({ step: z.int(), conversationId: id, messageId: id, answerId: id });

/** citationsFound is the data of `citations`: the passages given to the model. Which of them it used, the saved message says. */
export const citationsFound = z.strictObject({ step: z.int(), citations: z.array(citation) });

/** turnDone is the data of the last event, `done`. */
export const turnDone = z.strictObject({
  step: z.int(),
  state: z.enum(['succeeded', 'failed', 'cancelled']),
  errorCode: z.string().optional(),
  errorDetail: z.string().optional(),
  isRetryable: z.boolean().optional(),
  messageId: id.nullable().describe('The saved answer; null when the conversation was deleted meanwhile'),
  conversationId: id,
  title: z.string().nullable(),
});

// Operations -----------------------------------------------------------------------------------------------------

const agentParams = z.strictObject({ agentId: id });
const documentParams = z.strictObject({ documentId: id });
const passageParams = z.strictObject({ passageId: id });
const conversationParams = z.strictObject({ conversationId: id });
const search = z.string().trim().min(1).max(200);

export const agentsContract = defineContract({
  'GET /agents': {
    summary: 'List agents, newest first',
    query: pageQuery.extend({ search: search.optional().describe('Part of the name or the description') }),
    response: page(agentSummary),
  },
  'POST /agents': { summary: 'Create an agent', body: newAgent, response: agent, status: 201 },
  'GET /agents/{agentId}': { summary: 'Read an agent', params: agentParams, response: agent },
  'PATCH /agents/{agentId}': { summary: 'Change an agent', params: agentParams, body: agentPatch, response: agent },
  'DELETE /agents/{agentId}': {
    summary: 'Delete an agent with its knowledge and conversations',
    params: agentParams,
    status: 204,
  },
  'GET /agents/{agentId}/documents': {
    summary: "List the documents of an agent's knowledge, newest first",
    params: agentParams,
    query: pageQuery,
    response: page(document),
  },
  'POST /agents/{agentId}/documents': {
    summary: 'Upload a document (text, Markdown or PDF); it is read in the background',
    params: agentParams,
    upload: true,
    response: document,
    status: 202,
  },
  'GET /documents/{documentId}': { summary: 'Read a document', params: documentParams, response: document },
  'DELETE /documents/{documentId}': { summary: 'Delete a document and its file', params: documentParams, status: 204 },
  'POST /documents/{documentId}/retry': {
    summary: 'Read a failed document again',
    params: documentParams,
    response: document,
    status: 202,
  },
  'GET /documents/{documentId}/passages': {
    summary: 'List the passages of a document in its order',
    params: documentParams,
    query: pageQuery,
    response: page(passage),
  },
  'GET /passages/{passageId}': { summary: 'Open a cited passage', params: passageParams, response: passageDetail },
  'GET /conversations': {
    summary: 'List your conversations, last used first',
    query: pageQuery.extend({
      agentId: id.optional(),
      search: search.optional().describe('Words of the title or of the messages'),
    }),
    response: page(conversation),
  },
  'POST /conversations': {
    summary: 'Start a conversation with an agent',
    body: z.strictObject({ agentId: id }),
    response: conversation,
    status: 201,
  },
  'GET /conversations/{conversationId}': {
    summary: 'Read a conversation',
    params: conversationParams,
    response: conversation,
  },
  'PATCH /conversations/{conversationId}': {
    summary: 'Rename a conversation',
    params: conversationParams,
    body: z.strictObject({ title: z.string().trim().min(1).max(200) }),
    response: conversation,
  },
  'DELETE /conversations/{conversationId}': {
    summary: 'Delete a conversation; a running answer is stopped',
    params: conversationParams,
    status: 204,
  },
  'GET /conversations/{conversationId}/messages': {
    summary:
      'List messages; the first page has the newest, each page is in order of time, `nextCursor` leads to older ones',
    params: conversationParams,
    query: pageQuery,
    response: page(message),
  },
  'POST /conversations/{conversationId}/messages': {
    summary: 'Say something; answers 202, or with the event stream of the run when `text/event-stream` is accepted',
    params: conversationParams,
    body: newMessage,
    response: turn,
    status: 202,
    stream: true,
  },
  'POST /conversations/{conversationId}/regenerate': {
    summary: 'Answer the last message anew; answers like sending a message',
    params: conversationParams,
    response: turn,
    status: 202,
    stream: true,
  },
});

export type Agent = z.output<typeof agent>;
export type AgentSummary = z.output<typeof agentSummary>;
export type AgentPatch = z.output<typeof agentPatch>;
export type NewAgent = z.output<typeof newAgent>;
export type Document = z.output<typeof document>;
export type Passage = z.output<typeof passage>;
export type PassageDetail = z.output<typeof passageDetail>;
export type Conversation = z.output<typeof conversation>;
export type Citation = z.output<typeof citation>;
export type Message = z.output<typeof message>;
export type MessageUsage = z.output<typeof usage>;
export type Turn = z.output<typeof turn>;
export type TurnStarted = z.output<typeof turnStarted>;
export type CitationsFound = z.output<typeof citationsFound>;
export type TurnDone = z.output<typeof turnDone>;
