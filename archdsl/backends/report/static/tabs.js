// The panels under the spec, one at a time (the ARIA pattern of tabs; arrow keys move).

const tabs = {
  all: [],

  add(id, title, body) {
    const button = h('button', {
      type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': `panel-${id}`,
      onclick: () => this.show(id),
    }, title);
    const panel = h('div', {
      role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}`, class: 'panel',
    }, h('h2', { class: 'paper' }, title), body);
    this.all.push({ id, button, panel });
    byId('tabs').append(button);
    byId('panels').append(panel);
  },

  show(id) {
    for (const tab of this.all) {
      const on = tab.id === id;
      tab.button.setAttribute('aria-selected', String(on));
      tab.button.tabIndex = on ? 0 : -1;
      tab.panel.classList.toggle('off', !on);
    }
    this.shown = id;
    document.dispatchEvent(new CustomEvent('panel', { detail: id }));
  },

  start() {
    byId('tabs').addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = this.all.findIndex((tab) => tab.id === this.shown);
      const next = this.all[(at + step + this.all.length) % this.all.length];
      this.show(next.id);
      next.button.focus();
      event.preventDefault();
    });
  },

  clear() {
    for (const tab of this.all) {
      tab.button.remove();
      tab.panel.remove();
    }
    this.all = [];
  },
};
