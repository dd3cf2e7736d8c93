// The table of trials, the command of the one that is chosen, and the pictures in its order.

class Trials {
  constructor(board, table, command) {
    this.board = board;
    this.table = table;
    this.body = table.tBodies[0];
    this.rows = [...this.body.rows];
    this.command = command;
    this.heads = [...table.tHead.rows[0].cells];
    this.heads.forEach((head, i) => this.sortable(head, i));
    for (const row of this.rows) this.pinnable(row);
    this.copy = make("button", { type: "button" }, "Copy");
    this.copy.addEventListener("click", () => this.copied());
    command.querySelector("header").append(this.copy);
  }

  sortable(head, index) {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      this.sort(index, down ? -1 : 1);
    });
  }

  pinnable(row) {
    const trial = Number(row.dataset.trial), head = row.cells[0];
    row.button = make("button", { type: "button", "aria-pressed": "false" }, ...head.childNodes);
    head.append(row.button);
    row.button.addEventListener("click", () => this.board.pin(trial));
    row.button.addEventListener("focus", () => this.board.point([trial]));
    row.button.addEventListener("blur", () => this.board.point(null));
    row.addEventListener("pointerenter", () => this.board.point([trial]));
    row.addEventListener("pointerleave", () => this.board.point(null));
  }

  // Numbers by size, words after them by letter.
  sort(index, sign) {
    const key = (row) => {
      const cell = row.cells[index];
      return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
    };
    const compare = (a, b) => {
      const [one, other] = [key(a), key(b)];
      if (one !== null && other !== null) return sign * (one - other);
      if (one === null && other === null) {
        return sign * a.cells[index].textContent.localeCompare(b.cells[index].textContent);
      }
      return one === null ? 1 : -1;
    };
    this.mark(index, sign);
    this.arrange([...this.rows].sort(compare));
  }

  mark(index, sign) {
    this.heads.forEach((head, i) => {
      if (i === index) head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  }

  arrange(rows) {
    this.rows = rows;
    this.body.append(...rows);
    const place = new Map(rows.map((row, i) => [row.dataset.trial, i]));
    for (const gallery of document.querySelectorAll(".gallery")) {
      const figures = [...gallery.children];
      gallery.append(...figures.sort((a, b) => place.get(a.dataset.trial) - place.get(b.dataset.trial)));
    }
  }

  render() {
    const { board, heads } = this;
    const of = new Map(this.rows.map((row) => [Number(row.dataset.trial), row]));
    const chosen = heads.findIndex((head) => head.dataset.value === String(board.value));
    heads.forEach((head, i) => head.classList.toggle("chosen", i === chosen));
    this.mark(chosen, board.maximize ? -1 : 1);
    this.arrange(board.order.map((trial) => of.get(trial)));
    for (const caption of document.querySelectorAll(".gallery figure")) {
      const value = board.number(Number(caption.dataset.trial));
      caption.querySelector("b").textContent = value === null ? "" : short(value);
    }
  }

  highlight(trials) {
    const { board } = this;
    for (const row of this.rows) {
      const trial = Number(row.dataset.trial);
      row.classList.toggle("shown", trials.includes(trial));
      row.button.setAttribute("aria-pressed", trial === board.pinned);
    }
    for (const figure of document.querySelectorAll(".gallery figure")) {
      figure.classList.toggle("shown", trials.includes(Number(figure.dataset.trial)));
    }
    this.tell(board.pinned ?? board.order[0]);
  }

  tell(trial) {
    const { board, command } = this;
    const { label, command: line } = board.data.trials[trial];
    const value = board.number(trial);
    let title = label;
    if (board.pinned === null && value !== null) {
      title = `${board.maximize ? "Largest" : "Smallest"} ${board.name}, ${short(value)}: ${label}`;
    }
    command.querySelector("h3").textContent = title;
    const code = command.querySelector("code");
    if (code.textContent !== line) this.copy.textContent = "Copy";
    code.textContent = line;
  }

  copied() {
    const code = this.command.querySelector("code");
    getSelection().selectAllChildren(code);
    const done = navigator.clipboard?.writeText(code.textContent);
    // Without leave to write, the text stands selected.
    done?.then(() => { this.copy.textContent = "Copied"; }, () => {});
  }
}
