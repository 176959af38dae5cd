// Of a page that is served: the news of its spec. A new picture is loaded, errors lie over the old one.

const live = {
  kept: ['#source-text', '#panels .panel:not(.off) .scroll', '#compare'],

  start() {
    this.restore();
    const news = new EventSource('events');
    news.onmessage = (event) => {
      const { version, errors } = JSON.parse(event.data);
      if (version !== document.body.dataset.live) this.reload();
      else this.show(errors);
    };
  },

  reload() {
    const places = this.kept.map((selector) => this.at(selector)).map((element) =>
      element && [element.scrollLeft, element.scrollTop]);
    const tab = document.querySelector('[role="tab"][aria-selected="true"]');
    const state = { tab: tab && tab.id, places, page: [scrollX, scrollY] };
    try {
      sessionStorage.setItem('archdsl-live', JSON.stringify(state));
    } catch { // then it begins at its top
    }
    location.reload();
  },

  restore() {
    let state = null;
    try {
      state = JSON.parse(sessionStorage.getItem('archdsl-live'));
      sessionStorage.removeItem('archdsl-live');
    } catch { // as above
    }
    if (!state) return;
    const tab = state.tab && document.getElementById(state.tab);
    if (tab) tab.click();
    state.places.forEach((place, i) => {
      const element = this.at(this.kept[i]);
      if (element && place) element.scrollTo(...place);
    });
    scrollTo(...state.page);
  },

  at(selector) {
    return document.querySelector(selector);
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
