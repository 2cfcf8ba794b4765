// Where the page starts. The handle on `globalThis` is for tests and for the curious in the console:
// it reads what is drawn and changes nothing.

import 'uplot/dist/uPlot.min.css';
import { App } from './app';

const app = new App();
app.start();

Object.defineProperty(globalThis, 'stockUp', {
  value: {
    get framesDrawn() {
      return app.frames.drawn;
    },
    get chart() {
      return app.chart?.facts ?? null;
    },
    get connection() {
      return app.market.connection.state;
    },
    get feed() {
      return app.market.feed.state;
    },
  },
});
