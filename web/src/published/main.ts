// Starts a published page.
import { mount } from 'svelte';
import '../fonts.css';
import '../app.css';
import Published from './Published.svelte';
import { snapshot } from './snapshot';

const target = document.getElementById('app');
if (target && snapshot) mount(Published, { target, props: { snapshot } });
