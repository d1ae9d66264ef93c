"use strict";
(() => {
  const rows = document.getElementById("rows");
  if (!rows) return;
  const find = document.getElementById("find");
  const status = document.getElementById("status");
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const source = document.getElementById("data");
  const STEP = 50;
  document.querySelector(".find").hidden = false;
  document.querySelector(".find").addEventListener("submit", (event) => event.preventDefault());

  const say = (visible, matching, total) => {
    shown.textContent = visible === total
      ? `${total} hosts, whoever needs attention first.`
      : `${visible} of ${matching} that fit, of ${total} hosts, whoever needs attention first.`;
  };

  if (!source) {
    const every = [...rows.rows].map((row) => [row, row.textContent.toLowerCase()]);
    const filter = () => {
      const wanted = find.value.trim().toLowerCase();
      let count = 0;
      for (const [row, text] of every) {
        const fits = text.includes(wanted) && (!status.value || row.dataset.status === status.value);
        row.hidden = !fits;
        count += fits;
      }
      say(count, count, every.length);
    };
    find.addEventListener("input", filter);
    status.addEventListener("change", filter);
    filter();
    return;
  }

  const data = JSON.parse(source.textContent);
  let matching = [];
  let visible = 0;

  const element = (name, role, label, content) => {
    const made = document.createElement(name);
    if (role) made.setAttribute("role", role);
    if (label) made.dataset.label = label;
    if (typeof content === "string") made.textContent = content;
    else if (content) made.append(content);
    return made;
  };

  const time = (minutes) => minutes === null
    ? "?"
    : `${new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " ")} UTC`;

  const certificates = (number, id) => {
    const [, , , , serial] = data.hosts[number];
    const list = data.certificates[number];
    if (!list) return document.createTextNode(serial ? `serial ${serial}` : "none");
    const details = element("details");
    const summary = element("summary", "", "", `${list.length} ${list.length === 1 ? "certificate" : "certificates"}`);
    const heard = element("span", "", "", ` of ${id}`);
    heard.className = "heard";
    summary.append(heard);
    const items = element("ol");
    items.className = "plain";
    for (const [own, from, until, state] of list) {
      const words = `${data.states[state]}: serial ${own || "not known"}, ${time(from)} to ${time(until)}`;
      items.append(element("li", "", "", words));
    }
    details.append(summary, items);
    return details;
  };

  const row = (number) => {
    const [id, kind, left, due, , short] = data.hosts[number];
    const made = element("tr", "row");
    const head = element("th", "rowheader", "", element("code", "", "", id));
    head.scope = "row";
    made.append(
      head,
      element("td", "cell", "Status", data.statuses[kind]),
      element("td", "cell", "Certificate", left || "–"),
      element("td", "cell", "Due", due ? "due" : "no"),
      element("td", "cell", "Trouble", data.messages[number] || short || "none"),
      element("td", "cell", "Certificates", certificates(number, id)),
    );
    return made;
  };

  const show = () => {
    const next = matching.slice(visible, visible + STEP);
    rows.append(...next.map(row));
    visible += next.length;
    more.hidden = visible >= matching.length;
    say(visible, matching.length, data.hosts.length);
  };

  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    const kind = status.value ? data.statuses.indexOf(status.value) : -1;
    matching = [];
    data.hosts.forEach((host, number) => {
      if (kind >= 0 && host[1] !== kind) return;
      const text = `${host[0]} ${host[4]} ${data.messages[number] || host[5]}`.toLowerCase();
      if (text.includes(wanted)) matching.push(number);
    });
    rows.replaceChildren();
    visible = 0;
    show();
  };

  find.addEventListener("input", filter);
  status.addEventListener("change", filter);
  more.addEventListener("click", () => {
    const first = visible;
    show();
    // Whoever works with the keyboard goes on where the new rows begin.
    const target = rows.rows[first];
    if (target) {
      target.tabIndex = -1;
      target.focus();
    }
  });
  filter();
})();
