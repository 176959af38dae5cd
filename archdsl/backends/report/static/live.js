// Of a page that is served: the news of its spec. The page changes itself, errors lie over the rest.

const live = {
  /** A version is RUN-N.STAGE; at the second stage, the pictures that are not seen at once are there. */
  version: document.body.dataset.live,

  start() {
    const news = new EventSource('events');
    news.onmessage = (event) => {
      const { version, errors } = JSON.parse(event.data);
      this.show(errors);
      if (version === this.version) return;
      if (typeof app === 'undefined' || version.split('-')[0] !== this.version.split('-')[0]) {
        location.reload(); // there was no network yet, or another server answers now
      } else if (version.endsWith('.2') || app.diagram.begun) {
        this.change();
      } // else what is looked at is drawn at the second stage
    };
    news.onerror = () => { // it has ended, and the page would look as if it followed
      this.show('archdsl watch does not answer. The page follows again when it does.');
      if (news.readyState === EventSource.CLOSED) setTimeout(() => this.start(), 2000);
    };
  },

  /** Takes the newest state, however many versions were told meanwhile. */
  async change() {
    if (this.changing) {
      this.again = true;
      return;
    }
    this.changing = true;
    try {
      do {
        this.again = false;
        const state = await (await fetch('state')).json();
        if (state && state.version !== this.version) this.take(state);
      } while (this.again);
    } catch { // the server has gone; the news begin again when it is back
    }
    this.changing = false;
  },

  take({ version, title, data, pictures }) {
    for (const old of document.querySelectorAll('template[data-level]')) old.remove();
    for (const [level, svg] of pictures.entries()) {
      const template = h('template', { 'data-network': 0, 'data-level': level });
      template.innerHTML = svg; // as in the page itself: Graphviz's shapes, their words escaped
      document.body.append(template);
    }
    this.version = version;
    document.body.dataset.live = version;
    document.title = title;
    app.change(data);
  },

  show(errors) {
    document.body.classList.toggle('stale', Boolean(errors));
    let over = document.getElementById('errors');
    if (!over) {
      over = document.createElement('pre');
      over.id = 'errors';
      over.setAttribute('role', 'alert');
      document.body.append(over);
    }
    over.hidden = !errors;
    over.textContent = errors || '';
  },
};

live.start();
