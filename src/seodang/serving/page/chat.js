// The chat page. Whatever a model, a server or a person wrote reaches the page as text, never as markup.

const WORDS = {
  en: {
    model: "Model", newChat: "New chat", welcome: "Ask the model something.",
    notReal: "synthetic", synthetic: "This model is synthetic (random weights or a fake): its answers mean nothing.",
    message: "Message", send: "Send", stop: "Stop", you: "You", again: "Try again",
    notice: "Answers come from an AI model and can be wrong.",
    keyNeeded: "This server needs its API key.", keySend: "Use it", keyKept: "Kept in this tab only, until it is closed.",
    keyWrong: "That is not the key of this server.",
    stopped: "Stopped.", cut: "Cut at the longest answer this server gives.", empty: "The model answered with nothing.",
    unreachable: "The server cannot be reached. Is it still running?", broken: "The answer broke off half-way.",
  },
  ko: {
    model: "모델", newChat: "새 대화", welcome: "모델에게 물어보세요.",
    notReal: "시험용", synthetic: "시험용 모델(무작위 가중치 또는 가짜)입니다. 답변에 의미가 없습니다.",
    message: "메시지", send: "보내기", stop: "멈추기", you: "나", again: "다시 시도",
    notice: "답변은 AI 모델이 생성하며 틀릴 수 있습니다.",
    keyNeeded: "이 서버는 API 키가 필요합니다.", keySend: "사용", keyKept: "이 탭에만 보관되며, 탭을 닫으면 지워집니다.",
    keyWrong: "이 서버의 키가 아닙니다.",
    stopped: "멈췄습니다.", cut: "이 서버가 주는 가장 긴 답변에서 잘렸습니다.", empty: "모델이 빈 답변을 했습니다.",
    unreachable: "서버에 연결할 수 없습니다. 아직 실행 중인가요?", broken: "답변이 중간에 끊겼습니다.",
  },
};
const language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
const words = WORDS[language];

const find = (id) => document.getElementById(id);
const log = find("log");
const welcome = find("welcome");
const message = find("message");
const composer = find("composer");
const send = find("send");
const stop = find("stop");
const newChat = find("new-chat");
const keyForm = find("key-form");
const modelChoice = find("model-choice");

let models = []; // rows of /v1/models
let conversation = []; // {role, content}, as they are sent
let underWay = null; // AbortController of the answer that is coming
let key = sessionStorage.getItem("seodang.key") ?? "";

/** A fault that is shown to the person; `status` is that of the server's answer. */
class Fault extends Error {
  constructor(text, status = 0) {
    super(text);
    this.status = status;
  }
}

async function request(path, options = {}) {
  const headers = { ...(options.body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(words.unreachable);
  }
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new Fault(body?.error?.message ?? `HTTP ${response.status}`, response.status);
  }
  return response;
}

/** The events of a streamed answer, parsed, until `[DONE]`. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Fault(words.broken);
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      if (line === "data: [DONE]") return;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new Fault(event.error.message);
      yield event;
    }
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function addTurn(role, content) {
  const turn = element("article", `turn ${role}`, "");
  const text = element("div", "text", content);
  text.dir = "auto";
  turn.append(element("div", "who", role === "user" ? words.you : modelName()), text);
  add(turn);
  return { turn, text };
}

function add(made) {
  welcome.hidden = true;
  log.append(made);
  log.scrollTop = log.scrollHeight;
}

function modelName() {
  return modelChoice.value;
}

function showFault(fault) {
  if (fault.status === 401) {
    askForKey(key ? words.keyWrong : words.keyNeeded);
    return;
  }
  const box = element("div", "fault", "");
  box.setAttribute("role", "alert");
  const again = element("button", "", words.again);
  again.type = "button";
  again.addEventListener("click", () => {
    box.remove();
    if (models.length) answer();
    else loadModels();
  });
  box.append(element("span", "", fault.message), again);
  add(box);
}

function askForKey(why) {
  keyForm.querySelector("label").textContent = why;
  keyForm.hidden = false;
  composer.hidden = true;
  find("key").focus();
}

function setBusy(controller) {
  underWay = controller;
  send.hidden = Boolean(controller);
  stop.hidden = !controller;
  modelChoice.disabled = Boolean(controller);
  log.setAttribute("aria-busy", String(Boolean(controller)));
}

/** Asks for the answer to the conversation and shows it as it comes. */
async function answer() {
  log.querySelectorAll(".fault").forEach((box) => box.remove());
  const asked = conversation;
  const controller = new AbortController();
  const { turn, text } = addTurn("assistant", "");
  const written = text.appendChild(document.createTextNode(""));
  turn.classList.add("busy");
  setBusy(controller);
  let reason = "";
  try {
    const body = JSON.stringify({ model: modelName(), messages: asked, stream: true });
    const response = await request("/v1/chat/completions", { method: "POST", body, signal: controller.signal });
    for await (const event of events(response)) {
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      written.appendData(event.choices[0]?.delta.content ?? "");
      reason = event.choices[0]?.finish_reason ?? reason;
      if (atEnd) log.scrollTop = log.scrollHeight;
    }
  } catch (error) {
    reason = "fault";
    if (error.name === "AbortError") reason = "stopped";
    else if (conversation === asked) showFault(error instanceof Fault ? error : new Fault(String(error)));
  }
  turn.classList.remove("busy");
  if (underWay === controller) setBusy(null);
  if (reason === "fault") {
    turn.remove();
    return;
  }
  const note = { stopped: words.stopped, length: words.cut }[reason] ?? (written.data ? "" : words.empty);
  if (note) turn.append(element("div", "note", note));
  if (conversation === asked) conversation = [...asked, { role: "assistant", content: written.data }];
}

async function loadModels() {
  try {
    models = (await (await request("/v1/models")).json()).data;
  } catch (error) {
    showFault(error instanceof Fault ? error : new Fault(String(error)));
    return;
  }
  keyForm.hidden = true;
  composer.hidden = false;
  modelChoice.replaceChildren(...models.map((model) => new Option(shownName(model), model.id)));
  modelChoice.hidden = models.length < 2;
  find("model-name").hidden = models.length > 1;
  showModel();
  message.focus();
}

function shownName(model) {
  return model.synthetic ? `${words.notReal}: ${model.id}` : model.id;
}

function showModel() {
  const model = models.find((row) => row.id === modelName());
  find("model-name").textContent = model ? shownName(model) : "";
  find("synthetic").hidden = !model?.synthetic;
  document.title = `${modelName()} - seodang`;
}

function fitHeight() {
  message.style.height = "auto";
  message.style.height = `${message.scrollHeight + 2}px`;
}

function startAgain() {
  underWay?.abort();
  setBusy(null);
  conversation = [];
  log.querySelectorAll(".turn, .fault").forEach((old) => old.remove());
  welcome.hidden = false;
  newChat.disabled = true;
  message.focus();
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const content = message.value.trim();
  if (!content || underWay || !models.length) return;
  if (conversation.at(-1)?.role === "user") {
    // The question before got no answer; this one takes its place.
    conversation = conversation.slice(0, -1);
    [...log.querySelectorAll(".turn.user")].at(-1)?.remove();
  }
  conversation = [...conversation, { role: "user", content }];
  addTurn("user", content);
  message.value = "";
  fitHeight();
  newChat.disabled = false;
  answer();
});

message.addEventListener("input", fitHeight);
message.addEventListener("keydown", (event) => {
  // While a Korean letter is being composed, Enter ends the letter and not the message.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  composer.requestSubmit();
});
stop.addEventListener("click", () => underWay?.abort());
newChat.addEventListener("click", startAgain);
modelChoice.addEventListener("change", showModel);
keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  key = find("key").value.trim();
  sessionStorage.setItem("seodang.key", key);
  find("key").value = "";
  loadModels();
});

document.documentElement.lang = language;
document.querySelectorAll("[data-text]").forEach((one) => { one.textContent = words[one.dataset.text]; });
document.querySelectorAll("[data-label]").forEach((one) => { one.setAttribute("aria-label", words[one.dataset.label]); });
document.querySelectorAll("[data-placeholder]").forEach((one) => { one.placeholder = words[one.dataset.placeholder]; });
loadModels();
